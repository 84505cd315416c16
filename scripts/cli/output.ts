import { mkdir, open, realpath, stat, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { beginFile, removeAbandonedVersions } from '../../db/files.js'
import { UsageError } from './errors.js'

/** Where a command writes its data. */
export interface Output {
  /** Resolves when the output can take more; rejects when the command is stopped. */
  write(chunk: Uint8Array | string): Promise<void>
}

/**
 * Opens a file (default: standard output) while the work runs. The file appears under its name only when it is
 * complete and on the disk; its folder is made if it is missing. If the work fails or is stopped, an existing file stays
 * unchanged. Pipes and devices such as /dev/null are written directly.
 *
 * @param what how messages name the path
 * @throws UsageError when the file cannot be created
 */
export async function withOutput<T>(
  path: string | undefined,
  stop: AbortSignal,
  work: (output: Output) => Promise<T>,
  what = '--output',
): Promise<T> {
  if (path === undefined) return work(standardOutput(stop))
  const found = await placeOf(path)
  if (found === 'folder') throw new UsageError(`${what} ${path} is a folder. Name a file in it.`)
  const place = { ...found, what }
  return place.isFile ? replaceOutput(place, stop, work) : writeInto(place, stop, work)
}

function standardOutput(stop: AbortSignal): Output {
  return {
    write: (chunk) =>
      new Promise((resolve, reject) => {
        const refuse = () => reject(stop.reason as Error)
        if (stop.aborted) return refuse()
        stop.addEventListener('abort', refuse, { once: true })
        process.stdout.write(chunk, (error) => {
          // The reader has closed the pipe: scripts/cli/stop.ts stops the command.
          if ((error as NodeJS.ErrnoException | null | undefined)?.code === 'EPIPE') return
          stop.removeEventListener('abort', refuse)
          if (error) reject(error)
          else resolve()
        })
      }),
  }
}

interface Place {
  readonly path: string
  readonly isFile: boolean
  readonly what: string
}

async function placeOf(path: string): Promise<Omit<Place, 'what'> | 'folder'> {
  const real = await realpath(path).catch(() => path) // a link stays a link to the same file
  const found = await stat(real).catch(() => undefined)
  if (found?.isDirectory()) return 'folder'
  return { path: real, isFile: found === undefined || found.isFile() }
}

async function replaceOutput<T>(
  { path, what }: Place,
  stop: AbortSignal,
  work: (output: Output) => Promise<T>,
): Promise<T> {
  await makeFolder(dirname(path)).catch(cannotOpen(path, what))
  await removeAbandonedVersions(path)
  const file = await beginFile(path, 0o666).catch(cannotOpen(path, what))
  let result: T
  try {
    result = await writeTo(file.handle, path, stop, work)
  } catch (error) {
    await file.discard()
    throw error
  }
  await file.finish().catch(cannotWrite(path))
  return result
}

/** As mkdir with `recursive`, which never returns on a file system without mkdir (/proc). */
async function makeFolder(path: string): Promise<void> {
  if ((await stat(path).catch(() => undefined))?.isDirectory()) return
  if (dirname(path) !== path) await makeFolder(dirname(path))
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
}

async function writeInto<T>(
  { path, what }: Place,
  stop: AbortSignal,
  work: (output: Output) => Promise<T>,
): Promise<T> {
  const file = await open(path, 'w').catch(cannotOpen(path, what))
  try {
    return await writeTo(file, path, stop, work)
  } finally {
    await file.close()
  }
}

async function writeTo<T>(
  file: FileHandle,
  path: string,
  stop: AbortSignal,
  work: (output: Output) => Promise<T>,
): Promise<T> {
  const result = await work({
    async write(chunk) {
      stop.throwIfAborted()
      await file.appendFile(chunk).catch(cannotWrite(path))
    },
  })
  stop.throwIfAborted()
  return result
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission is denied',
  EROFS: 'the file system is read-only',
  ENOENT: 'the folder does not exist',
  ENOTDIR: 'the folder is a file',
  EEXIST: 'the folder is a file',
}

const cannotOpen =
  (path: string, what: string) =>
  (error: NodeJS.ErrnoException): never => {
    const reason = REASONS[error.code ?? ''] ?? error.message
    throw new UsageError(`${what} ${path} cannot be written: ${reason}.`)
  }

const cannotWrite =
  (path: string) =>
  (error: NodeJS.ErrnoException): never => {
    const reason = error.code === 'ENOSPC' ? 'the disk is full' : (error.code ?? error.message)
    throw new Error(`${path} could not be written: ${reason}.`)
  }
