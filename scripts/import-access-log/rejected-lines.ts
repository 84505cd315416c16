import { rmSync } from 'node:fs'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { UsageError } from '../cli/errors.js'
import { removeAbandoned, unfinishedName } from '../cli/output.js'

/** The file beside a log that takes the lines which cannot be read; none is made for no lines. */
export interface RejectedLines {
  add(lineNumber: number, reason: string, line: string): void
  /** Writes what has been added. */
  flush(): Promise<void>
  /** Gives the file its name, or removes the one of an earlier run when there is nothing to say. */
  finish(): Promise<void>
  /** Leaves what was there before. */
  discard(): Promise<void>
}

const ENDING = '.rejected'
/** Finished, or left unfinished by an import that was killed. */
const OWN_NAME = /\.rejected(?:\.[\da-f]{12}\.tmp)?$/

/** The name of the file that belongs to a log. */
export const rejectedPathOf = (path: string) => `${path}${ENDING}`

/** Whether a file is such a one: a pattern that matches a log matches it as well. */
export const holdsRejectedLines = (path: string) => OWN_NAME.test(path)

/** Characters of a line that are kept. */
const KEPT = 1000
const UNPRINTABLE = /[\x00-\x08\x0a-\x1f\x7f]/g

/** A line of the file: number, reason, and the beginning of the line, between tabs; its bytes but for control characters. */
export function rejectedLine(lineNumber: number, reason: string, line: string): string {
  const start = line.slice(0, KEPT).replace(UNPRINTABLE, '?')
  return `${lineNumber}\t${reason}\t${start}${line.length > KEPT ? '...' : ''}\n`
}

/** @param path the name of the file once it is finished */
export function rejectedLines(path: string): RejectedLines {
  const unfinished = unfinishedName(path)
  let file: FileHandle | undefined
  let text = ''
  const remove = () => rmSync(unfinished, { force: true })
  const flush = async () => {
    if (text === '') return
    if (file === undefined) {
      file = await create(unfinished, path)
      process.on('exit', remove) // the last resort, when stopping takes too long
    }
    const piece = text
    text = ''
    await file.appendFile(piece, 'latin1')
  }
  const close = async () => {
    process.off('exit', remove)
    await file?.close()
    file = undefined
  }
  return {
    add: (...line) => void (text += rejectedLine(...line)),
    flush,
    async finish() {
      await flush()
      await removeAbandoned(path)
      if (file === undefined) return rm(path, { force: true }).catch(() => undefined)
      await file.sync()
      await close()
      await rename(unfinished, path)
    },
    async discard() {
      if (file === undefined) return
      await close()
      remove()
    },
  }
}

function create(name: string, path: string): Promise<FileHandle> {
  return open(name, 'wx').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      `${path}, for the lines that cannot be read, cannot be written: ${error.code}. ` +
        'Read the log from standard input to have stdin.rejected in the present folder.',
    )
  })
}
