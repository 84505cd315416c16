import { pipeline } from 'node:stream/promises'
import {
  constants,
  createGunzip,
  createInflate,
  createInflateRaw,
  type Gunzip,
  type Inflate,
} from 'node:zlib'
import type { FastifyRequest } from 'fastify'
import type { Readable } from 'node:stream'
import { ServiceError } from './errors.js'

/** What a request may send, and what that may become. */
const MAX_SENT_BYTES = 8 << 20
const MAX_INFLATED_BYTES = 64 << 20

const CHUNK = 1 << 16

/**
 * The bytes of a body as they arrive, without their compression. The bounds hold while it is read, so a small body
 * that would become a huge one is stopped early.
 *
 * @throws ServiceError UNSUPPORTED_MEDIA_TYPE at once; while it is read, BODY_TOO_LARGE and INVALID_REQUEST
 */
export function bodyStream(request: FastifyRequest, payload: Readable): AsyncGenerator<Buffer, void> {
  const encoding = String(request.headers['content-encoding'] ?? 'identity')
    .trim()
    .toLowerCase()
  if (Number(request.headers['content-length'] ?? 0) > MAX_SENT_BYTES) throw tooLarge()
  switch (encoding) {
    case '':
    case 'identity':
      return sent(payload)
    case 'gzip':
    case 'x-gzip':
    case 'deflate':
      return inflated(payload, encoding === 'deflate' ? 'deflate' : 'gzip')
    default: {
      const given = encoding.slice(0, 100)
      const message = `The content encoding ${given} is not supported; send gzip, deflate or no encoding.`
      throw new ServiceError('UNSUPPORTED_MEDIA_TYPE', message)
    }
  }
}

function tooLarge(): ServiceError {
  const message =
    'The body is too large; 8 MiB are allowed, and 64 MiB after decompression. Send fewer rows at a time.'
  return new ServiceError('BODY_TOO_LARGE', message)
}

/**
 * The connection stays open when the caller of the generator stops: an answer is to follow. The rest arrives unread, so
 * that the next request on the connection does, too.
 */
async function* sent(payload: Readable): AsyncGenerator<Buffer, void> {
  let size = 0
  try {
    for await (const chunk of payload.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > MAX_SENT_BYTES) throw tooLarge()
      yield chunk
    }
  } catch (error) {
    if (error instanceof ServiceError) throw error
    throw new ServiceError('INVALID_REQUEST', 'The body broke off before its end.', null, { cause: error })
  } finally {
    payload.resume()
  }
}

async function* inflated(payload: Readable, encoding: 'gzip' | 'deflate'): AsyncGenerator<Buffer, void> {
  const source = sent(payload)
  const first = await source.next()
  if (first.done) return
  const inflate = decoderOf(encoding, first.value)
  let failure: unknown
  const feeding = pipeline(async function* () {
    yield first.value
    yield* source
  }, inflate).catch((error: unknown) => {
    failure ??= error
  })
  let size = 0
  try {
    for await (const chunk of inflate as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > MAX_INFLATED_BYTES) throw (failure = tooLarge())
      yield chunk
    }
  } catch (error) {
    throw explained(failure ?? error, encoding)
  } finally {
    inflate.destroy()
    await feeding
    void source.return() // which nobody has asked for more than its first bytes, perhaps
  }
  if (failure !== undefined) throw explained(failure, encoding)
}

/** HTTP's deflate is zlib's format; some clients send the bare one. */
function decoderOf(encoding: 'gzip' | 'deflate', first: Buffer): Gunzip | Inflate {
  const options = { chunkSize: CHUNK, finishFlush: constants.Z_FINISH }
  if (encoding === 'gzip') return createGunzip(options)
  const isZlib = first.length > 1 && (first[0]! & 15) === 8 && first.readUInt16BE(0) % 31 === 0
  return isZlib ? createInflate(options) : createInflateRaw(options)
}

function explained(error: unknown, encoding: string): unknown {
  if (error instanceof ServiceError) return error
  const message = `The body is not valid ${encoding}. Send it again, or without compression.`
  return new ServiceError('INVALID_REQUEST', message, null, { cause: error })
}
