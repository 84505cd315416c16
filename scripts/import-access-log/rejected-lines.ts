import { rm } from 'node:fs/promises'
import { beginFile, removeAbandonedVersions, type UnfinishedFile } from '../../db/files.js'
import { UsageError } from '../cli/errors.js'

/** The file beside a log for the lines that cannot be parsed. It is created only if there are any. */
export interface RejectedLines {
  add(lineNumber: number, reason: string, line: string): void
  /** Writes the added lines. */
  flush(): Promise<void>
  /** Renames the file to its final name, or removes the file of an earlier run when there are no lines. */
  finish(): Promise<void>
  /** Keeps the file of an earlier run. */
  discard(): Promise<void>
}

const ENDING = '.rejected'
/** A finished file, or the temporary file of an import that was killed. */
const OWN_NAME = /\.rejected(?:\.[\da-f]{12}\.tmp)?$/

/** The name of the file of a log. */
export const rejectedPathOf = (path: string) => `${path}${ENDING}`

/** True for such a file. A shell pattern for logs also matches these files. */
export const holdsRejectedLines = (path: string) => OWN_NAME.test(path)

/** Characters of a line that are kept. */
const KEPT = 1000
const UNPRINTABLE = /[\x00-\x08\x0a-\x1f\x7f]/g

/** A line of the file: line number, reason and start of the line, separated by tabs, without control characters. */
function rejectedLine(lineNumber: number, reason: string, line: string): string {
  const start = line.slice(0, KEPT).replace(UNPRINTABLE, '?')
  return `${lineNumber}\t${reason}\t${start}${line.length > KEPT ? '...' : ''}\n`
}

/** @param path final name of the file */
export function rejectedLines(path: string): RejectedLines {
  let file: UnfinishedFile | undefined
  let text = ''
  const flush = async () => {
    if (text === '') return
    file ??= await beginFile(path, 0o666).catch(cannotOpen(path))
    const piece = text
    text = ''
    await file.handle.appendFile(piece, 'latin1')
  }
  return {
    add: (...line) => void (text += rejectedLine(...line)),
    flush,
    async finish() {
      await flush()
      await removeAbandonedVersions(path)
      if (file === undefined) return rm(path, { force: true }).catch(() => undefined)
      await file.finish()
      file = undefined
    },
    async discard() {
      await file?.discard()
      file = undefined
    },
  }
}

const cannotOpen =
  (path: string) =>
  (error: NodeJS.ErrnoException): never => {
    throw new UsageError(
      `${path}, the file for rejected lines, cannot be written: ${error.code}. ` +
        'Import the log from standard input to write stdin.rejected into the current folder instead.',
    )
  }
