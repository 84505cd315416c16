import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import * as zlib from 'node:zlib'

/** How logs are compressed. */
export type Compression = 'gz' | 'bz2' | 'zst'

/** The data is damaged, or ends too early. */
export class BrokenDataError extends Error {
  constructor(readonly isTooShort: boolean) {
    super(isTooShort ? 'ends in the middle of its compressed data' : 'is damaged')
  }
}

/** The program that reads the data is not installed. The message is its name. */
export class MissingProgramError extends Error {}

const MAGIC: readonly [Compression, readonly number[]][] = [
  ['gz', [0x1f, 0x8b]],
  ['bz2', [0x42, 0x5a, 0x68]],
  ['zst', [0x28, 0xb5, 0x2f, 0xfd]],
]

/** Bytes that tell how data is compressed. */
export const MAGIC_LENGTH = 4

/** How data that begins like this is compressed; undefined for plain text. */
export function compressionOf(head: Buffer): Compression | undefined {
  return MAGIC.find(([, magic]) => magic.every((byte, at) => head[at] === byte))?.[0]
}

/** The programs for what Node.js cannot read: bzip2 in every version, Zstandard before 22.15. */
export const PROGRAMS: Readonly<Record<Compression, string>> = { gz: 'gzip', bz2: 'bzip2', zst: 'zstd' }

type Inflator = (options?: zlib.ZlibOptions) => zlib.Gunzip

/**
 * Decompresses data.
 * @throws BrokenDataError, MissingProgramError
 */
export function decompressed(
  kind: Compression,
  data: AsyncIterable<Buffer>,
  chunkSize: number,
): AsyncGenerator<Buffer, void> {
  if (kind === 'gz') return byZlib(zlib.createGunzip({ chunkSize }), data)
  const createZstd = (zlib as { createZstdDecompress?: Inflator }).createZstdDecompress
  return kind === 'zst' && createZstd
    ? byZlib(createZstd({ chunkSize }), data)
    : byProgram(PROGRAMS[kind], data)
}

async function* byZlib(stream: zlib.Gunzip, data: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const feeding = pipeline(data, stream)
  feeding.catch(() => undefined) // the stream reports the same error
  try {
    yield* stream as AsyncIterable<Buffer>
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined || !/^(?:Z_|ZSTD_)/.test(code)) throw error
    throw new BrokenDataError(code === 'Z_BUF_ERROR')
  }
}

async function* byProgram(name: string, data: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const child = spawn(name, ['-dc'], { stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = once(child, 'close') as Promise<[number | null]>
  ended.catch(() => undefined) // see below
  let message = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (message = (message + text).slice(0, 1000)))
  const feeding = pipeline(Readable.from(data), child.stdin)
  let failure: unknown
  feeding.catch((error: unknown) => (failure = error)) // a program that ends early; its exit code says why
  try {
    yield* child.stdout as AsyncIterable<Buffer>
    const [code] = await ended
    if (code !== 0) throw new BrokenDataError(/unexpected|premature|ends/i.test(message))
    if (failure !== undefined) throw failure
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new MissingProgramError(name)
    throw error
  } finally {
    child.kill()
  }
}
