import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { open, readdir, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { UsageError } from './errors.js'

/** Where a command writes its data. */
export interface Output {
  /** Resolves when there is room for more; rejects when the command is stopped. */
  write(chunk: Uint8Array | string): Promise<void>
}

/**
 * Opens a file, or standard output when none is named, for the time of some work. The file gets its name when the
 * work is done and all of it is on the disk: before, and when the work fails or is stopped, what stood there stands.
 * What is no ordinary file (a pipe, /dev/null) is written as it is.
 *
 * @throws UsageError when the file cannot be made
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
          // When the reader has hung up, the command is about to be stopped.
          if ((error as NodeJS.ErrnoException | null | undefined)?.code === 'EPIPE') return
          stop.removeEventListener('abort', refuse)
          if (error) reject(error)
          else resolve()
        })
      }),
  }
}

async function placeOf(path: string): Promise<{ path: string; isFile: boolean }> {
  const real = await realpath(path).catch(() => path) // the file that a link leads to
  const found = await stat(real).catch(() => undefined)
  if (found?.isDirectory()) throw new UsageError(`--output ${path} is a folder; name a file in it.`)
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
  process.on('exit', remove) // the last resort, when stopping takes too long
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
  EACCES: 'there is no permission',
  EROFS: 'the file system is read-only',
  ENOENT: 'there is no such folder',
  ENOTDIR: 'its folder is a file',
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

/** An unfinished file names the process that writes it, so that the next one knows whether it still does. */
export function unfinishedName(path: string): string {
  const mark = process.pid.toString(16).padStart(8, '0') + randomBytes(2).toString('hex')
  return `${path}.${mark}.tmp`
}

/** Removes what a process that was killed while it wrote the same file has left. */
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
