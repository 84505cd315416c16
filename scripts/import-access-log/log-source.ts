import { createReadStream, type ReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { UsageError } from '../cli/errors.js'
import {
  BrokenDataError,
  compressionOf,
  decompressed,
  MAGIC_LENGTH,
  MissingProgramError,
  PROGRAMS,
  type Compression,
} from './decompress.js'
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
 * The bytes of a log. Data compressed with gzip, bzip2 or Zstandard is decompressed, whatever the name of the file.
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
    const compression = compressionOf(head)
    if (compression !== undefined) yield* unpacked(path, compression, head, pieces)
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

/** Enough bytes to identify compressed data, if there are any. */
async function firstBytes(pieces: AsyncGenerator<Buffer, void>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0)
  while (head.length < MAGIC_LENGTH) {
    const next = await pieces.next()
    if (next.done) break
    head = Buffer.concat([head, next.value])
  }
  return head
}

async function* unpacked(
  path: string,
  compression: Compression,
  head: Buffer,
  rest: AsyncGenerator<Buffer, void>,
): AsyncGenerator<Buffer, void> {
  const packed = async function* () {
    yield head
    yield* rest
  }
  const program = PROGRAMS[compression]
  try {
    yield* decompressed(compression, packed(), PIECE)
  } catch (error) {
    if (error instanceof MissingProgramError) {
      throw new UsageError(
        `${path} cannot be read: the program ${program} is not installed. Install it, or decompress the file first.`,
      )
    }
    if (!(error instanceof BrokenDataError)) throw error
    throw new DamagedFileError(
      `${path} ${error.message}; nothing of it was imported. Copy the file again, or import its intact part: ` +
        `${program} -dc ${path} | aegis-ml import-access-log - (the complete file can add the rest later).`,
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
