import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { newFileMode, newFolderMode } from './private-files.js'

/** The name of an unfinished file is the final name, then the process that writes it and some random digits. */
const UNFINISHED = /\.([0-9a-f]{8})[0-9a-f]{4}\.tmp$/
const ABANDONED_AFTER_MS = 3_600_000

/** A file that is being written. It gets its name when it is finished. */
export interface UnfinishedFile {
  readonly handle: FileHandle
  /** Flushes the file to the disk and gives it its name. After that it survives a power failure. */
  finish(): Promise<void>
  /** Removes it. What stood under the name still stands. */
  discard(): Promise<void>
}

/**
 * Begins a file beside its final name. A process that ends before the file is finished removes it.
 * @param mode other users cannot read it when left out
 * @throws Error of the file system when the folder does not exist or cannot be written
 */
export async function beginFile(path: string, mode?: number): Promise<UnfinishedFile> {
  const writer = process.pid.toString(16).padStart(8, '0')
  const unfinished = `${path}.${writer}${randomBytes(2).toString('hex')}.tmp`
  const handle = await open(unfinished, 'wx', mode ?? (await newFileMode(dirname(path))))
  const remove = () => rmSync(unfinished, { force: true })
  process.on('exit', remove)
  const discard = async () => {
    await handle.close()
    remove()
    process.off('exit', remove)
  }
  return {
    handle,
    async finish() {
      try {
        await handle.sync()
        await handle.close()
        await rename(unfinished, path)
      } catch (error) {
        await discard()
        throw error
      }
      process.off('exit', remove)
      await syncFolder(dirname(path))
    },
    discard,
  }
}

/** Puts a file in place whole or not at all. Makes its folder where that is missing. */
export async function replaceFile(
  path: string,
  write: (file: FileHandle) => Promise<unknown>,
  mode?: number,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: newFolderMode() })
  const file = await beginFile(path, mode)
  try {
    await write(file.handle)
  } catch (error) {
    await file.discard()
    throw error
  }
  await file.finish()
}

/** Makes the rename itself durable. Windows cannot open a folder; there the file system sees to it. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Removes from a folder the unfinished files of processes that were killed. The folder may be shared with other
 * machines, whose processes cannot be asked: a file counts as abandoned when it is an hour old.
 */
export async function removeAbandoned(folder: string, nowMs: number): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!UNFINISHED.test(name)) continue
    const path = join(folder, name)
    const file = await stat(path).catch(() => undefined)
    const isOld = file?.isFile() && nowMs - file.mtimeMs > ABANDONED_AFTER_MS
    if (isOld) await rm(path, { force: true }).catch(() => undefined)
  }
}

/** Removes the unfinished versions of one file whose processes, on this machine, do not run any more. */
export async function removeAbandonedVersions(path: string): Promise<void> {
  for (const name of await readdir(dirname(path)).catch(() => [])) {
    const [ending, writer] = UNFINISHED.exec(name) ?? []
    if (ending === undefined || name !== `${basename(path)}${ending}`) continue
    if (isRunning(Number.parseInt(writer!, 16))) continue
    await rm(join(dirname(path), name), { force: true }).catch(() => undefined)
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** What went wrong with a file, without its path: `EACCES: permission denied`. */
export function reasonWithoutPath(error: unknown): string {
  const { message, path } = error as NodeJS.ErrnoException
  return path === undefined ? message : message.replace(/, \w+ '.*/s, '')
}
