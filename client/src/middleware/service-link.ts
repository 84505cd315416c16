import { MLServiceError } from '../ml-service-error.js'
import type { Clock } from './aligned-intervals.js'

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
  #restsUntilMs = 0

  constructor(
    private readonly log: Log,
    private readonly clock: Clock,
  ) {}

  /** Null before the first answer. */
  get isReachable(): boolean | null {
    return this.#isAway === null ? null : !this.#isAway
  }

  /** True for a while after the service has refused the key, or has asked for patience: nothing is sent. */
  get rests(): boolean {
    return this.clock.monotonicMs() < this.#restsUntilMs
  }

  answered(purpose: Purpose): void {
    this.#found()
    if (this.#refusals.delete(purpose)) this.log.info(`${purpose} works now.`)
  }

  failed(purpose: Purpose, error: unknown): void {
    this.#restsUntilMs = Math.max(this.#restsUntilMs, this.clock.monotonicMs() + pauseMs(error))
    if (isAway(error)) return this.#lost(error)
    if (error instanceof MLServiceError && error.status !== null) this.#found()
    const { message, code } = error as Error & { code?: string }
    const refusal = code ?? message
    if (this.#refusals.get(purpose) === refusal) return
    const isTold = isRefusedKey(error) && [...this.#refusals.values()].includes(refusal)
    this.#refusals.set(purpose, refusal)
    if (!isTold) this.log.warn(`${purpose} fails: ${message}${adviceFor(refusal)}`)
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

/** The message of FORBIDDEN says itself which role or source the key needs. */
function adviceFor(code: string): string {
  if (!REFUSED_KEY.has(code)) return ''
  const goesOn = ' The gateway continues without AEGIS ML.'
  if (code === 'FORBIDDEN') return goesOn
  return `${goesOn} Set apiKey, or ML_SERVICE_API_KEY, to a key of the service with the role detect.`
}

/** How long nothing is sent after the service has refused the key. A new key may be added at any time. */
const REFUSED_PAUSE_MS = 30_000
const MAX_PAUSE_MS = 60_000

function pauseMs(error: unknown): number {
  if (!(error instanceof MLServiceError)) return 0
  const asked = Math.min(error.retryAfterMs ?? 0, MAX_PAUSE_MS)
  return error.status === 401 || error.status === 403 ? Math.max(REFUSED_PAUSE_MS, asked) : asked
}

/** True if the service does not accept the key, or not for this. */
export function isRefusedKey(error: unknown): boolean {
  return error instanceof MLServiceError && REFUSED_KEY.has(error.code)
}

const REFUSED_KEY = new Set(['UNAUTHENTICATED', 'FORBIDDEN'])

/** True if the service cannot be reached or is overloaded; false if it rejects the call. */
export function isAway(error: unknown): error is MLServiceError {
  if (!(error instanceof MLServiceError)) return false
  const { code, status } = error
  return NOT_ANSWERS.has(code) || status === 429 || (status !== null && status >= 500)
}
