import type { components } from './generated/contract.js'

export type Failure = components['schemas']['Failure']

/** The codes of the client itself. docs/errors.md of the service lists all other codes. */
export type ClientFailureCode =
  'NETWORK_ERROR' | 'TIMEOUT' | 'BROKEN_ANSWER' | 'INVALID_ANSWER' | 'SERVICE_DISABLED'

export interface MLServiceErrorOptions extends ErrorOptions {
  /** HTTP status. Null when there was no answer. */
  readonly status?: number | null
  readonly details?: unknown
  /** The Retry-After of the service in milliseconds. */
  readonly retryAfterMs?: number | undefined
  /** The id of the request. */
  readonly requestId?: string | null
}

/** A failed call: the HTTP status, a stable code, and a message that says what to do next. */
export class MLServiceError extends Error {
  override readonly name = 'MLServiceError'
  readonly status: number | null
  readonly code: string
  readonly details: unknown
  readonly retryAfterMs: number | undefined
  /** The id under which the log of the service has the request. Null when there was no answer. */
  readonly requestId: string | null

  constructor(code: string, message: string, options: MLServiceErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.status = options.status ?? null
    this.details = options.details ?? null
    this.retryAfterMs = options.retryAfterMs
    this.requestId = options.requestId ?? null
  }
}
