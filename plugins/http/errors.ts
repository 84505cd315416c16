import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import {
  describeDatabaseError,
  isDatabaseAway,
  isDatabaseReadOnly,
  isStatementCancelled,
} from '../../db/errors.js'
import { CALLER_CLOSED, hasLeft } from './closed-callers.js'
import { REQUEST_ID } from './request-id.js'
import { SECURITY_HEADERS } from './security-headers.js'
import { describeValidation } from './validation.js'

/** Every failure the service answers with: its stable code and HTTP status. docs/errors.md documents each. */
export const FAILURES = {
  INVALID_REQUEST: 400,
  INVALID_JSON: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  CROSS_SITE: 403,
  HOST_NOT_ALLOWED: 403,
  FEEDBACK_NOT_FOUND: 404,
  INCIDENT_NOT_FOUND: 404,
  JOB_NOT_FOUND: 404,
  RECOMMENDATION_NOT_FOUND: 404,
  MODEL_NOT_FOUND: 404,
  SILENCE_NOT_FOUND: 404,
  NOT_FOUND: 404,
  NO_DATA: 404,
  METHOD_NOT_ALLOWED: 405,
  BATCH_CONFLICT: 409,
  GATEWAY_TABLE_UNUSABLE: 409,
  INCIDENT_CLOSED: 409,
  INVALID_SYNTHETIC_DATA: 409,
  LIMIT_NOT_APPLICABLE: 409,
  MODEL_NOT_TRAINED: 409,
  MODEL_UNUSABLE: 409,
  NO_SYNTHETIC_DATA: 409,
  NOT_COMPARED: 409,
  RECOMMENDATION_CLOSED: 409,
  TRAFFIC_READ_ONLY: 409,
  TRAFFIC_TABLE_UNUSABLE: 409,
  TRAINING_RUNNING: 409,
  TRAINING_STOPPED: 409,
  BACKTEST_STOPPED: 409,
  SCAN_STOPPED: 409,
  REQUEST_TIMEOUT: 408,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  RATE_LIMITED: 429,
  HEADERS_TOO_LARGE: 431,
  INTERNAL_ERROR: 500,
  BUSY: 503,
  DATABASE_READ_ONLY: 503,
  DATABASE_UNAVAILABLE: 503,
  IDENTITY_PROVIDER_UNAVAILABLE: 503,
  SHUTTING_DOWN: 503,
} as const

export type FailureCode = keyof typeof FAILURES

/** A failure that the caller sees. The message says what to do next. */
export class ServiceError extends Error {
  readonly statusCode: number
  constructor(
    readonly code: FailureCode,
    message: string,
    readonly details: unknown = null,
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.statusCode = FAILURES[code]
  }
}

/** A field of the request that is not allowed. @param problem what is wrong and what is allowed, after the name */
export function invalidField(field: string, problem: string): ServiceError {
  return new ServiceError('INVALID_REQUEST', `${field} ${problem}.`, [{ field, problem }])
}

/**
 * Any error as the failure that the caller sees. The details of an internal error are in the log only.
 * @param bodyLimit bytes that the route takes
 */
export function toServiceError(error: FastifyError, bodyLimit?: number): ServiceError {
  if (error instanceof ServiceError) return error
  if (error.validation) {
    const { message, details } = describeValidation(error.validation, error.validationContext ?? 'body')
    return new ServiceError('INVALID_REQUEST', message, details)
  }
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return bodyTooLarge(bodyLimit)
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new ServiceError(
        'UNSUPPORTED_MEDIA_TYPE',
        'The content type is not supported; send application/json.',
      )
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new ServiceError(
        'INVALID_REQUEST',
        'The length of the body differs from its Content-Length header.',
      )
  }
  const ofDatabase = databaseFailure(error)
  if (ofDatabase !== undefined) return ofDatabase
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return new ServiceError('INVALID_REQUEST', error.message)
  }
  const message = 'The service could not answer this request. Its log has the reason.'
  return new ServiceError('INTERNAL_ERROR', message, null, { cause: error })
}

/** @param limit bytes that are allowed */
export function bodyTooLarge(limit: number | undefined): ServiceError {
  const allowed = limit === undefined ? '' : `; ${inUnits(limit)} are allowed here`
  const advice = limit !== undefined && limit >= 2 ** 20 ? ' Send fewer rows at a time.' : ''
  return new ServiceError('BODY_TOO_LARGE', `The body is too large${allowed}.${advice}`)
}

function inUnits(bytes: number): string {
  return bytes >= 2 ** 20 ? `${bytes / 2 ** 20} MiB` : `${bytes / 2 ** 10} KiB`
}

/** The failure of a database that does not do what it is asked for now; undefined for any other error. */
export function databaseFailure(error: unknown): ServiceError | undefined {
  const options = { cause: error }
  if (isDatabaseReadOnly(error)) {
    const message = `The database accepts no writes now (${describeDatabaseError(error)}). Try again when it does.`
    return new ServiceError('DATABASE_READ_ONLY', message, null, options)
  }
  if (isStatementCancelled(error)) {
    const message = `The database ended the work (${describeDatabaseError(error)}). Try again shortly.`
    return new ServiceError('DATABASE_UNAVAILABLE', message, null, options)
  }
  if (!isDatabaseAway(error)) return undefined
  const message = 'The database cannot be reached. Try again shortly; GET /health shows its state.'
  return new ServiceError('DATABASE_UNAVAILABLE', message, null, options)
}

/** The body of a failure. */
export function failureOf(
  { code, message, details }: Pick<ServiceError, 'code' | 'message' | 'details'>,
  requestId: string,
) {
  const timestamp = new Date().toISOString()
  return { success: false, error: true, code, message, details, timestamp, request_id: requestId }
}

export function sendFailure(reply: FastifyReply, error: ServiceError): FastifyReply {
  reply.server.requestCounts.addFailure(error.code)
  const { id } = reply.request
  reply.header(REQUEST_ID, id).headers(SECURITY_HEADERS) // a malformed URL passes no hook
  return reply.code(error.statusCode).type('application/json; charset=utf-8').send(failureOf(error, id))
}

/** Answers a malformed HTTP request, which Fastify does not see, and closes the connection. */
export function answerMalformed(
  this: Pick<FastifyInstance, 'log'>,
  error: NodeJS.ErrnoException,
  socket: Socket,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const failure = malformed(error.code)
  const id = randomUUID() // nothing of the request can be trusted
  this.log.debug({ reqId: id, err: error, code: failure.code }, 'request refused')
  const body = JSON.stringify(failureOf(failure, id))
  const head = [
    `HTTP/1.1 ${failure.statusCode} ${STATUS_CODES[failure.statusCode]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    `${REQUEST_ID}: ${id}`,
    ...Object.entries(SECURITY_HEADERS).map(([name, value]) => `${name}: ${value}`),
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

function malformed(code: string | undefined): ServiceError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new ServiceError('HEADERS_TOO_LARGE', 'The headers are too large; 16 KiB are allowed.')
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    const message =
      'The request did not arrive in time: its headers within 20 seconds, all of it within a minute. Send it anew.'
    return new ServiceError('REQUEST_TIMEOUT', message)
  }
  return new ServiceError(
    'INVALID_REQUEST',
    'This is not a valid HTTP request: its method or headers are malformed.',
  )
}

/** How long the present requests may take when the service stops. */
const MAX_ANSWER_MS = 3_000

/** Whether a failure is only that the caller has left, with the body that he was sending or the work for him. */
export function isAbandoned(reply: FastifyReply, { code }: ServiceError): boolean {
  return hasLeft(reply) && code !== 'INTERNAL_ERROR'
}

/** A failure of the service that its log has to explain. That it is busy is said once for many (load.ts). */
export function isFault({ statusCode, code }: ServiceError): boolean {
  return statusCode >= 500 && code !== 'BUSY'
}

/** The one place that turns an error into the failure envelope. */
export default fp(
  async (app) => {
    app.setErrorHandler((error: FastifyError, request, reply) => {
      const failure = toServiceError(error, request.routeOptions.bodyLimit)
      if (isAbandoned(reply, failure)) return reply.code(CALLER_CLOSED).send()
      if (isFault(failure)) request.log.error({ err: error, code: failure.code }, 'request failed')
      else request.log.debug({ err: error, code: failure.code }, 'request refused')
      if (failure.statusCode === 503) reply.header('retry-after', '5')
      if (failure.code === 'BODY_TOO_LARGE') letArrive(request, reply)
      return sendFailure(reply, failure)
    })
    answerUnknownRoutes(app)
    refuseWhileStopping(app)
  },
  { name: 'errors', dependencies: ['request-counts'] },
)

/**
 * Node.js reads a body that nobody wants, unless the connection is to be closed. A caller who still sends may not see
 * the answer then.
 */
function letArrive({ headers }: FastifyRequest, reply: FastifyReply): void {
  if (Number(headers['content-length'] ?? NaN) <= MAX_UNWANTED) reply.removeHeader('connection')
}

const MAX_UNWANTED = 64 * 1024 * 1024

/** 405 with Allow where the path exists with another method, 404 otherwise. */
function answerUnknownRoutes(app: FastifyInstance): void {
  const routes: { pattern: RegExp; methods: string[] }[] = []
  app.addHook('onRoute', ({ url, method }) => {
    const escaped = url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:[a-z_]+/gi, '[^/]+')
    routes.push({ pattern: new RegExp(`^${escaped}$`), methods: [method].flat() })
  })
  app.setNotFoundHandler((request: FastifyRequest, reply) => {
    const path = request.url.split('?', 1)[0]!
    const shown = path.slice(0, 200)
    const allowed = new Set(
      routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods),
    )
    if (allowed.size === 0 || allowed.has(request.method)) {
      const message = `There is no ${shown} here. GET /docs lists every route.`
      return sendFailure(reply, new ServiceError('NOT_FOUND', message))
    }
    const allow = [...allowed].sort().join(', ')
    const message = `${request.method} is not allowed on ${shown}; allowed is ${allow}.`
    return sendFailure(reply.header('allow', allow), new ServiceError('METHOD_NOT_ALLOWED', message))
  })
}

/** Refuses a request that arrives on an open connection while the service stops. */
function refuseWhileStopping(app: FastifyInstance): void {
  let stopping = false
  app.addHook('preClose', async () => {
    stopping = true
    // A request that never arrives completely does not keep the service from stopping.
    setTimeout(() => app.server.closeAllConnections(), MAX_ANSWER_MS).unref()
  })
  app.addHook('onRequest', async (_request, reply) => {
    if (!stopping) return
    reply.header('connection', 'close')
    throw new ServiceError(
      'SHUTTING_DOWN',
      'The service is stopping. Try again, on another replica if there is one.',
    )
  })
}
