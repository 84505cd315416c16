import { MLServiceError } from '../ml-service-error.js'

export interface Log {
  warn(message: string): void
  info(message: string): void
}

/** What the middleware uses the service for. */
export type Purpose = 'Judging traffic' | 'Recording requests'

/** Tracks whether the service can be reached. Logs once when it is away and once when it is back. */
export class ServiceLink {
  #isAway: boolean | null = null
  readonly #refusals = new Map<Purpose, string>()
  #unjudged = 0

  constructor(private readonly log: Log) {}

  /** Null before the first answer. */
  get isReachable(): boolean | null {
    return this.#isAway === null ? null : !this.#isAway
  }

  answered(purpose: Purpose): void {
    this.#found()
    if (this.#refusals.delete(purpose)) this.log.info(`${purpose} works now.`)
  }

  failed(purpose: Purpose, error: unknown): void {
    if (isAway(error)) return this.#lost(error)
    if (error instanceof MLServiceError && error.status !== null) this.#found()
    const { message, code } = error as Error & { code?: string }
    if (this.#refusals.get(purpose) === (code ?? message)) return
    this.#refusals.set(purpose, code ?? message)
    this.log.warn(`${purpose} fails: ${message}`)
  }

  /** Counts an interval without a verdict. The count is logged when the service is back. */
  unjudged(): void {
    this.#unjudged++
  }

  #lost({ message }: MLServiceError): void {
    if (this.#isAway !== true) this.log.warn(`AEGIS ML is away; the gateway continues without it. ${message}`)
    this.#isAway = true
  }

  #found(): void {
    if (this.#isAway === true) {
      this.log.info(`AEGIS ML is back. Intervals without a verdict in the meantime: ${this.#unjudged}.`)
    }
    this.#isAway = false
    this.#unjudged = 0
  }
}

const NOT_ANSWERS = new Set(['NETWORK_ERROR', 'TIMEOUT', 'BROKEN_ANSWER', 'INVALID_ANSWER'])

/** True if the service cannot be reached or is overloaded; false if it rejects the call. */
export function isAway(error: unknown): error is MLServiceError {
  if (!(error instanceof MLServiceError)) return false
  const { code, status } = error
  return NOT_ANSWERS.has(code) || status === 429 || (status !== null && status >= 500)
}
