import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** How an unfinished file is called: as the file that it is to be, with this at its end. */
const UNFINISHED = /\.[0-9a-f]{12}\.tmp$/
const ABANDONED_AFTER_MS = 3_600_000

/**
 * Puts a file in place whole or not at all: written beside its name, flushed to the disk, then renamed.
 * After this has returned the file survives a power failure; if it throws, what stood there still stands.
 */
export async function replaceFile(
  path: string,
  write: (file: FileHandle) => Promise<unknown>,
): Promise<void> {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true })
  const unfinished = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = await open(unfinished, 'wx', 0o644)
    try {
      await write(file)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(unfinished, path)
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
  await syncFolder(folder)
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

/** Removes from a folder, as far as it can, what a process that was killed while writing has left there. */
export async function removeAbandoned(folder: string, nowMs: number): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!UNFINISHED.test(name)) continue
    const path = join(folder, name)
    const file = await stat(path).catch(() => undefined)
    const isOld = file?.isFile() && nowMs - file.mtimeMs > ABANDONED_AFTER_MS
    if (isOld) await rm(path, { force: true }).catch(() => undefined)
  }
}
