import { createReadStream, type ReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { UsageError } from '../cli/errors.js'
import { holdsRejectedLines } from './rejected-lines.js'

/** A file of the log, or standard input. */
export interface LogSource {
  /** As the user gave it; `-` is standard input. */
  readonly path: string
  /** Bytes; undefined where nobody knows. */
  readonly size: number | undefined
}

/** The name of standard input among files. */
export const STDIN = '-'

const PIECE = 1 << 18

/** A file is not what it ought to be; nothing of it has been imported. */
export class DamagedFileError extends Error {}

/**
 * Looks at the files before the first of them is read. Those of rejected lines are no logs.
 *
 * @param onSkipped is told of a file that is left out, and why
 * @throws UsageError naming one that cannot be read
 */
export async function findSources(
  paths: readonly string[],
  onSkipped: (message: string) => void,
): Promise<LogSource[]> {
  if (paths.filter((path) => path === STDIN).length > 1)
    throw new UsageError('Standard input is named twice.')
  const [own, logs] = [paths.filter(holdsRejectedLines), paths.filter((path) => !holdsRejectedLines(path))]
  for (const path of own)
    onSkipped(`${path} is left out: it is where an import puts lines that cannot be read.`)
  return Promise.all(
    logs.map(async (path) => {
      if (path === STDIN) return { path, size: undefined }
      const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
        throw new UsageError(`${path} cannot be read: ${reasonOf(error)}.`)
      })
      if (found.isDirectory()) throw new UsageError(`${path} is a folder; name the files in it.`)
      return { path, size: found.isFile() ? found.size : undefined }
    }),
  )
}

/**
 * The bytes of a log, unpacked where it is compressed by gzip, whatever its name is.
 *
 * @param onBytes is told how many bytes of the file itself have been read
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

/** Two bytes at least, unless there are no more; they tell whether it is compressed. */
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
  feeding.catch(() => undefined) // its error comes out of the stream too
  try {
    yield* gunzip as AsyncIterable<Buffer>
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined || !/^Z_/.test(code)) throw error
    const what = code === 'Z_BUF_ERROR' ? 'ends in the middle of its compressed data' : 'is damaged'
    throw new DamagedFileError(
      `${path} ${what}; nothing of it was imported. Fetch it anew, or import what can be unpacked: ` +
        `gzip -dc ${path} | import-access-log - (the whole file adds the rest later).`,
    )
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'there is no permission',
  ENOTDIR: 'its folder is a file',
}

function reasonOf(error: NodeJS.ErrnoException): string {
  return REASONS[error.code ?? ''] ?? error.message
}
