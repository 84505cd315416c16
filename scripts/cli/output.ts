import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { open, readdir, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { UsageError } from './errors.js'

/** Where a command writes its data. */
export interface Output {
  /** Resolves when the output can take more; rejects when the command is stopped. */
  write(chunk: Uint8Array | string): Promise<void>
}

/**
 * Opens a file (default: standard output) while the work runs. The file appears under its name only when it is
 * complete and on the disk. If the work fails or is stopped, an existing file stays unchanged. Pipes and devices such
 * as /dev/null are written directly.
 *
 * @throws UsageError when the file cannot be created
 */
export async function withOutput<T>(
  path: string | undefined,
  stop: AbortSignal,
  work: (output: Output) => Promise<T>,
): Promise<T> {
  if (path === undefined) return work(standardOutput(stop))
  const place = await placeOf(path)
  return place.isFile ? replaceFile(place.path, stop, work) : writeInto(place.path, stop, work)
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

async function placeOf(path: string): Promise<{ path: string; isFile: boolean }> {
  const real = await realpath(path).catch(() => path) // a link stays a link to the same file
  const found = await stat(real).catch(() => undefined)
  if (found?.isDirectory()) throw new UsageError(`--output ${path} is a folder. Name a file in it.`)
  return { path: real, isFile: found === undefined || found.isFile() }
}

async function replaceFile<T>(
  path: string,
  stop: AbortSignal,
  work: (output: Output) => Promise<T>,
): Promise<T> {
  await removeAbandoned(path)
  const unfinished = unfinishedName(path)
  const file = await openOutput(unfinished, 'wx', path)
  const remove = () => rmSync(unfinished, { force: true })
  process.on('exit', remove) // in case stopping takes too long
  try {
    const result = await writeTo(file, path, stop, work)
    await rename(unfinished, path)
    return result
  } catch (error) {
    remove()
    throw error
  } finally {
    process.off('exit', remove)
  }
}

const writeInto = async <T>(path: string, stop: AbortSignal, work: (output: Output) => Promise<T>) =>
  writeTo(await openOutput(path, 'w', path), path, stop, work, false)

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission is denied',
  EROFS: 'the file system is read-only',
  ENOENT: 'the folder does not exist',
  ENOTDIR: 'the folder is a file',
}

async function openOutput(name: string, flags: string, path: string): Promise<FileHandle> {
  return open(name, flags, 0o666).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`--output ${path} cannot be written: ${REASONS[error.code ?? ''] ?? error.message}.`)
  })
}

async function writeTo<T>(
  file: FileHandle,
  path: string,
  stop: AbortSignal,
  work: (output: Output) => Promise<T>,
  flush = true,
): Promise<T> {
  const fail = (error: NodeJS.ErrnoException): never => {
    const reason = error.code === 'ENOSPC' ? 'the disk is full' : (error.code ?? error.message)
    throw new Error(`${path} could not be written: ${reason}.`)
  }
  try {
    const result = await work({
      async write(chunk) {
        stop.throwIfAborted()
        await file.appendFile(chunk).catch(fail)
      },
    })
    stop.throwIfAborted()
    if (flush) await file.sync().catch(fail)
    return result
  } finally {
    await file.close()
  }
}

/** The temporary name contains the process id, so that a later run knows whether the file is abandoned. */
export function unfinishedName(path: string): string {
  const mark = process.pid.toString(16).padStart(8, '0') + randomBytes(2).toString('hex')
  return `${path}.${mark}.tmp`
}

/** Removes the temporary files of processes that were killed while they wrote the same file. */
export async function removeAbandoned(path: string): Promise<void> {
  for (const name of await readdir(dirname(path)).catch(() => [])) {
    if (!name.startsWith(`${basename(path)}.`)) continue
    const [, pid] = /^\.([0-9a-f]{8})[0-9a-f]{4}\.tmp$/.exec(name.slice(basename(path).length)) ?? []
    if (pid === undefined || isRunning(Number.parseInt(pid, 16))) continue
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
