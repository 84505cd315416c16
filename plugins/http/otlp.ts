import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { assertJsonBounds, MalformedBodyError, TooManyValuesError } from '../../formats/otlp/bounds.js'
import type {
  ExportResponse,
  LogRequest,
  RpcStatus,
  Signal,
  TraceRequest,
} from '../../formats/otlp/messages.js'
import { decodeRequest, encodeResponse, encodeStatus } from '../../formats/otlp/protobuf.js'
import { CALLER_CLOSED } from './closed-callers.js'
import { isAbandoned, isFault, ServiceError, toServiceError } from './errors.js'
import { explainJsonError } from './json-body.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the bodies of an OTLP route carry. */
    otlp?: Signal
  }
  interface FastifyRequest {
    /** SHA-256 of an OTLP body, inflated. */
    bodyDigest: string
  }
}

const JSON_TYPE = 'application/json'
const PROTOBUF_TYPE = 'application/x-protobuf'

/** The body as it is sent may have 8 MiB, like every other; this is the limit for what gzip makes of it. */
const MAX_INFLATED_BYTES = 64 * 1024 * 1024

/** What a status means in google.rpc.Code; everything else of 500 and above is INTERNAL. */
const RPC_CODES: Readonly<Record<number, number>> = { 401: 16, 403: 7, 413: 8, 429: 8, 503: 14 }
const INVALID_ARGUMENT = 3
const INTERNAL = 13

/**
 * Bodies, answers and failures as OTLP/HTTP has them, for the routes of the same scope: JSON or protobuf, each answered
 * in kind, and google.rpc.Status instead of the envelope.
 */
export default fp(
  async (scope) => {
    scope.decorateRequest('bodyDigest', '')
    readBodies(scope)
    scope.addHook('onRequest', async (request, reply) => {
      answerInKind(request, reply, encodeResponse, jsonResponse(request))
    })
    scope.setErrorHandler((error: FastifyError, request, reply) => sendStatus(error, request, reply))
  },
  { name: 'otlp-http', dependencies: ['errors', 'envelope'] },
)

/** Collectors expect the content type without a charset; Fastify leaves it so beside a serializer. */
function answerInKind<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  toProtobuf: (payload: T) => Buffer,
  toJson: (payload: T) => string,
): void {
  const isProtobuf = isProtobufRequest(request)
  reply.type(isProtobuf ? PROTOBUF_TYPE : JSON_TYPE)
  // Fastify takes a Buffer too, which its types do not say.
  reply.serializer((isProtobuf ? toProtobuf : toJson) as (payload: T) => string)
}

function isProtobufRequest({ headers }: FastifyRequest): boolean {
  return headers['content-type']?.split(';', 1)[0]!.trim().toLowerCase() === PROTOBUF_TYPE
}

function readBodies(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers()
  const parse =
    (decode: (signal: Signal, body: Buffer) => unknown) => async (request: FastifyRequest, sent: Buffer) => {
      const body = await inflated(request, sent)
      request.bodyDigest = await digestOf(body)
      await nextTurn()
      return decode(request.routeOptions.config.otlp!, body)
    }
  const options = { parseAs: 'buffer' } as const
  scope.addContentTypeParser<Buffer>(
    JSON_TYPE,
    options,
    parse((_signal, body) => fromJson(body)),
  )
  scope.addContentTypeParser<Buffer>(PROTOBUF_TYPE, options, parse(fromProtobuf))
  scope.addContentTypeParser('*', (_request, _payload, done) => {
    const message = `The content type is not supported; send ${PROTOBUF_TYPE} or ${JSON_TYPE}.`
    done(new ServiceError('UNSUPPORTED_MEDIA_TYPE', message))
  })
}

/** Bytes that are hashed at a time. Other requests are answered in between. */
const PIECE = 4 << 20

async function digestOf(body: Buffer): Promise<string> {
  const hash = createHash('sha256')
  for (let start = 0; start < body.length; start += PIECE) {
    if (start > 0) await nextTurn()
    hash.update(body.subarray(start, start + PIECE))
  }
  return hash.digest('hex')
}

async function inflated({ headers }: FastifyRequest, body: Buffer): Promise<Buffer> {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity'
  if (encoding === 'identity' || encoding === '') return body
  if (encoding !== 'gzip') {
    const message = `The content encoding ${encoding.slice(0, 100)} is not supported; send gzip, or no encoding.`
    throw new ServiceError('UNSUPPORTED_MEDIA_TYPE', message)
  }
  try {
    return await promisify(gunzip)(body, { maxOutputLength: MAX_INFLATED_BYTES })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new ServiceError(
        'BODY_TOO_LARGE',
        'The body is too large; 64 MiB are allowed once it is inflated.',
      )
    }
    throw new ServiceError('INVALID_REQUEST', 'The body is not valid gzip.')
  }
}

function fromJson(body: Buffer): unknown {
  if (body.length === 0) return {}
  withinBounds(() => assertJsonBounds(body))
  const text = body.toString('utf8')
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ServiceError('INVALID_JSON', explainJsonError(text, error))
  }
}

function fromProtobuf(signal: Signal, body: Buffer): TraceRequest | LogRequest {
  return withinBounds(() => decodeRequest(signal, body))
}

function withinBounds<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof MalformedBodyError)
      throw new ServiceError('INVALID_REQUEST', `The body ${error.message}.`)
    if (!(error instanceof TooManyValuesError)) throw error
    throw new ServiceError('BODY_TOO_LARGE', 'The body has too many values; send fewer records at a time.')
  }
}

/** int64 is text in OTLP's JSON, and the name of a count says what is counted. */
function jsonResponse({ routeOptions }: FastifyRequest): (response: ExportResponse) => string {
  const name = routeOptions.config.otlp === 'logs' ? 'rejectedLogRecords' : 'rejectedSpans'
  return ({ partialSuccess }) => {
    if (!partialSuccess) return '{}'
    const { rejected, errorMessage } = partialSuccess
    return JSON.stringify({ partialSuccess: { [name]: String(rejected), errorMessage } })
  }
}

/** Failures that pass, so that the collector keeps its records: it drops them for every status but 429, 502, 503 and 504. */
const PASSING = new Set(['TRAFFIC_TABLE_UNUSABLE'])

function sendStatus(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const failure = toServiceError(error, request.routeOptions.bodyLimit)
  if (isAbandoned(reply, failure))
    return reply
      .code(CALLER_CLOSED)
      .serializer(() => '')
      .send('')
  const { code, message } = failure
  request.server.requestCounts.addFailure(code)
  const status = PASSING.has(code) ? 503 : failure.statusCode
  if (isFault(failure) || PASSING.has(code)) request.log.error({ err: error, code }, 'request failed')
  else request.log.debug({ err: error, code }, 'request refused')
  if (status === 503) reply.header('retry-after', '5')
  const rpc = { code: RPC_CODES[status] ?? (status >= 500 ? INTERNAL : INVALID_ARGUMENT), message }
  answerInKind<RpcStatus>(request, reply, encodeStatus, (payload) => JSON.stringify(payload))
  return reply.code(status).send(rpc)
}
