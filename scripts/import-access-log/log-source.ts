import { createReadStream, type ReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { UsageError } from '../cli/errors.js'
import { holdsRejectedLines } from './rejected-lines.js'

/** A log file or standard input. */
export interface LogSource {
  /** The path as given; `-` is standard input. */
  readonly path: string
  /** Bytes; undefined if unknown. */
  readonly size: number | undefined
}

/** The name of standard input among files. */
export const STDIN = '-'

const PIECE = 1 << 18

/** A file is damaged. Nothing of it was imported. */
export class DamagedFileError extends Error {}

/**
 * Checks all files before the first is read. Files of rejected lines are skipped.
 *
 * @param onSkipped called with the reason for each skipped file
 * @throws UsageError naming a file that cannot be read
 */
export async function findSources(
  paths: readonly string[],
  onSkipped: (message: string) => void,
): Promise<LogSource[]> {
  if (paths.filter((path) => path === STDIN).length > 1)
    throw new UsageError('Standard input is named twice. Name it once.')
  const [own, logs] = [paths.filter(holdsRejectedLines), paths.filter((path) => !holdsRejectedLines(path))]
  for (const path of own) onSkipped(`${path} is skipped: it contains the rejected lines of an import.`)
  return Promise.all(
    logs.map(async (path) => {
      if (path === STDIN) return { path, size: undefined }
      const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
        throw new UsageError(`${path} cannot be read: ${reasonOf(error)}.`)
      })
      if (found.isDirectory()) throw new UsageError(`${path} is a folder. Name the files in it.`)
      return { path, size: found.isFile() ? found.size : undefined }
    }),
  )
}

/**
 * The bytes of a log. Data compressed with gzip is decompressed, whatever the name of the file.
 *
 * @param onBytes called with the number of bytes read from the file itself
 * @throws DamagedFileError when compressed data ends too early or is broken
 */
export async function* readSource(
  { path }: LogSource,
  onBytes: (count: number) => void,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
  signal.throwIfAborted()
  const stream = path === STDIN ? process.stdin : createReadStream(path, { highWaterMark: PIECE })
  const abort = () => stream.destroy(signal.reason as Error)
  signal.addEventListener('abort', abort, { once: true })
  const pieces = counted(stream as ReadStream, onBytes)
  try {
    const head = await firstBytes(pieces)
    if (head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b) yield* unpacked(path, head, pieces)
    else {
      if (head.length > 0) yield head
      yield* pieces
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    throw new UsageError(`${path} cannot be read: ${reasonOf(error as NodeJS.ErrnoException)}.`)
  } finally {
    signal.removeEventListener('abort', abort)
    stream.destroy()
  }
}

async function* counted(stream: ReadStream, onBytes: (count: number) => void): AsyncGenerator<Buffer, void> {
  for await (const piece of stream as AsyncIterable<Buffer>) {
    onBytes(piece.length)
    yield piece
  }
}

/** At least two bytes, if there are any: they identify compressed data. */
async function firstBytes(pieces: AsyncGenerator<Buffer, void>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0)
  while (head.length < 2) {
    const next = await pieces.next()
    if (next.done) break
    head = Buffer.concat([head, next.value])
  }
  return head
}

async function* unpacked(
  path: string,
  head: Buffer,
  rest: AsyncGenerator<Buffer, void>,
): AsyncGenerator<Buffer, void> {
  const packed = async function* () {
    yield head
    yield* rest
  }
  const gunzip = createGunzip({ chunkSize: PIECE })
  const feeding = pipeline(packed, gunzip)
  feeding.catch(() => undefined) // the stream reports the same error
  try {
    yield* gunzip as AsyncIterable<Buffer>
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined || !/^Z_/.test(code)) throw error
    const what = code === 'Z_BUF_ERROR' ? 'ends in the middle of its compressed data' : 'is damaged'
    throw new DamagedFileError(
      `${path} ${what}; nothing of it was imported. Copy the file again, or import its intact part: ` +
        `gzip -dc ${path} | aegis-ml import-access-log - (the complete file can add the rest later).`,
    )
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'the file does not exist',
  EACCES: 'permission is denied',
  ENOTDIR: 'the folder is a file',
}

function reasonOf(error: NodeJS.ErrnoException): string {
  return REASONS[error.code ?? ''] ?? error.message
}
