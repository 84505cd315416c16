import { MLServiceError } from '../ml-service-error.js'

export interface Log {
  warn(message: string): void
  info(message: string): void
}

/** What the service is asked for in the background. */
export type Purpose = 'Judging traffic' | 'Recording requests'

/** Whether the service is there, told once when it goes and once when it is back. */
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

  /** Counts an interval that got no verdict; told when the service is back. */
  unjudged(): void {
    this.#unjudged++
  }

  #lost({ message }: MLServiceError): void {
    if (this.#isAway !== true) this.log.warn(`AEGIS ML is away; the gateway goes on without it. ${message}`)
    this.#isAway = true
  }

  #found(): void {
    if (this.#isAway === true) {
      this.log.info(`AEGIS ML is back; intervals without a verdict meanwhile: ${this.#unjudged}.`)
    }
    this.#isAway = false
    this.#unjudged = 0
  }
}

const NOT_ANSWERS = new Set(['NETWORK_ERROR', 'TIMEOUT', 'BROKEN_ANSWER', 'INVALID_ANSWER'])

/** Whether there is no service to speak of, rather than one that refuses. */
export function isAway(error: unknown): error is MLServiceError {
  if (!(error instanceof MLServiceError)) return false
  const { code, status } = error
  return NOT_ANSWERS.has(code) || status === 429 || (status !== null && status >= 500)
}
