import type { ServerResponse } from 'node:http'
import { MLServiceError, type ClientFailureCode } from '../ml-service-error.js'
import { isRefusedKey } from './service-link.js'

export function answer(response: ServerResponse, data: unknown): void {
  write(response, 200, { success: true, data, timestamp: now() })
}

/**
 * Passes on the failures of the service. For all others it reveals neither the address of the service nor internal
 * errors.
 */
export function answerFailure(response: ServerResponse, error: unknown): void {
  const failure = publicFailure(error)
  const { status, code, message, details, retryAfterMs } = failure
  if (retryAfterMs !== undefined) response.setHeader('retry-after', Math.ceil(retryAfterMs / 1000))
  // The rest of a body that is too large is not read.
  if (status === 413) response.setHeader('connection', 'close')
  write(response, status!, { success: false, error: true, code, message, details, timestamp: now() })
}

function publicFailure(error: unknown): MLServiceError {
  if (!(error instanceof MLServiceError)) {
    return new MLServiceError('INTERNAL_ERROR', 'The gateway failed to answer this request.', { status: 500 })
  }
  if (UNAVAILABLE.has(error.code)) return unavailable()
  if (isRefusedKey(error)) return refused(error)
  const { code, message, details, retryAfterMs } = error
  return new MLServiceError(code, message, { status: error.status ?? 500, details, retryAfterMs })
}

/** The codes of the client without an answer of the service. */
const UNAVAILABLE: ReadonlySet<string> = new Set<ClientFailureCode>([
  'NETWORK_ERROR',
  'TIMEOUT',
  'BROKEN_ANSWER',
  'INVALID_ANSWER',
  'SERVICE_DISABLED',
])

function unavailable(): MLServiceError {
  const message = 'AEGIS ML does not answer. Try again shortly.'
  return new MLServiceError('SERVICE_UNAVAILABLE', message, { status: 503, retryAfterMs: 5_000 })
}

/** The key is that of the gateway, not of its caller. */
function refused({ status }: MLServiceError): MLServiceError {
  const message =
    status === 401
      ? 'AEGIS ML does not accept the key of this gateway, or needs one. Set apiKey, or ML_SERVICE_API_KEY, here.'
      : 'The key of this gateway may not do this. Give it the role, and the source, that the route of AEGIS ML needs.'
  return new MLServiceError('SERVICE_UNAVAILABLE', message, { status: 503 })
}

function write(response: ServerResponse, status: number, envelope: object): void {
  if (response.headersSent || response.destroyed) return
  response.statusCode = status
  response.setHeader('content-type', 'application/json; charset=utf-8')
  response.setHeader('cache-control', 'no-store')
  response.end(JSON.stringify(envelope))
}

function now(): string {
  return new Date().toISOString()
}
