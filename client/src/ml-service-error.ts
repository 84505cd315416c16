import type { components } from './generated/contract.js'

export type Failure = components['schemas']['Failure']

/** Codes of the client itself; all others are those of the service, listed in its README. */
export type ClientFailureCode =
  'NETWORK_ERROR' | 'TIMEOUT' | 'BROKEN_ANSWER' | 'INVALID_ANSWER' | 'SERVICE_DISABLED'

export interface MLServiceErrorOptions extends ErrorOptions {
  /** Null when no answer came. */
  readonly status?: number | null
  readonly details?: unknown
  /** What the service asks for with Retry-After, in ms. */
  readonly retryAfterMs?: number | undefined
}

/** Why a call has failed: the HTTP status, a stable code, and a message that says what to do next. */
export class MLServiceError extends Error {
  override readonly name = 'MLServiceError'
  readonly status: number | null
  readonly code: string
  readonly details: unknown
  readonly retryAfterMs: number | undefined

  constructor(code: string, message: string, options: MLServiceErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.status = options.status ?? null
    this.details = options.details ?? null
    this.retryAfterMs = options.retryAfterMs
  }
}
