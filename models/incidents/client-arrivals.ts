import { FIRST_LENGTH, grown } from '../rate-limit/growing-array.js'
import { SECOND_MS } from '../traffic/durations.js'

/** Requests in columns, in order of time; the first `length` entries of each count. */
export interface ArrivedRequests {
  readonly length: number
  /** Whole milliseconds since 1970, ascending from batch to batch. */
  readonly timeMs: Float64Array
  /** Index of the client; {@link NOBODY} where it is not known. */
  readonly client: Uint32Array
  /** HTTP status; 0 where there is none. */
  readonly status: Uint16Array
}

/** The client of a request of which neither a user nor an address is known. */
const NOBODY = 0xffffffff
/** Who comes back within this time has not waited. */
const AT_ONCE_MS = SECOND_MS
const TOO_MANY_REQUESTS = 429

/** How often a client came back at once, after an answer of one kind. */
interface Returns {
  /** Requests that have such an answer before them. */
  arrivals: number
  atOnce: number
}

/**
 * The requests of a stretch of time, counted by client as they stream through. A failed request is one that was answered with
 * 400 or above. What follows one that was answered with 429 or 500 and above is counted apart: that is how a client that
 * tries again without waiting is seen. Memory: 40 bytes a client.
 */
export class ClientArrivals {
  requests = 0
  failed = 0
  /** Requests that were answered with 429, and the first of them, ms since 1970. */
  limited = 0
  firstLimitedMs: number | null = null
  firstMs: number | null = null
  lastMs: number | null = null
  /** The first request at once after a failure, ms since 1970. */
  firstRetryMs: number | null = null
  readonly afterFailure: Returns = { arrivals: 0, atOnce: 0 }
  readonly afterSuccess: Returns = { arrivals: 0, atOnce: 0 }
  #nClients = 0
  #requestsOf = new Uint32Array(FIRST_LENGTH)
  #failedOf = new Uint32Array(FIRST_LENGTH)
  #retriesOf = new Uint32Array(FIRST_LENGTH)
  #firstOf = new Float64Array(FIRST_LENGTH)
  #lastOf = new Float64Array(FIRST_LENGTH)
  /** Whether the last answer asked to wait: 1. */
  #lastFailedOf = new Uint32Array(FIRST_LENGTH)

  push({ length, timeMs, client, status }: ArrivedRequests): void {
    for (let i = 0; i < length; i++) this.#count(timeMs[i]!, client[i]!, status[i]!)
  }

  /** Clients are 0…, below this number; those without requests count 0. */
  get nClients(): number {
    return this.#nClients
  }

  requestsOf(client: number): number {
    return this.#requestsOf[client] ?? 0
  }

  failedOf(client: number): number {
    return this.#failedOf[client] ?? 0
  }

  /** Requests within a second after a failure of the same client. */
  retriesOf(client: number): number {
    return this.#retriesOf[client] ?? 0
  }

  /** Its first request, ms since 1970; 0 without one. */
  firstOf(client: number): number {
    return this.#firstOf[client] ?? 0
  }

  #count(timeMs: number, client: number, status: number): void {
    this.requests++
    this.firstMs ??= timeMs
    this.lastMs = timeMs
    if (status >= 400) this.failed++
    if (status === TOO_MANY_REQUESTS) {
      this.limited++
      this.firstLimitedMs ??= timeMs
    }
    if (client !== NOBODY) this.#countClient(timeMs, client, status)
  }

  #countClient(timeMs: number, client: number, status: number): void {
    if (client >= this.#nClients) this.#grow(client + 1)
    const asksToWait = status >= 500 || status === TOO_MANY_REQUESTS
    if (this.#requestsOf[client]! === 0) this.#firstOf[client] = timeMs
    else {
      const hadFailed = this.#lastFailedOf[client] === 1
      const isAtOnce = timeMs - this.#lastOf[client]! <= AT_ONCE_MS
      const returns = hadFailed ? this.afterFailure : this.afterSuccess
      returns.arrivals++
      if (isAtOnce) {
        returns.atOnce++
        if (hadFailed) {
          this.#retriesOf[client]!++
          this.firstRetryMs ??= timeMs
        }
      }
    }
    this.#requestsOf[client]!++
    if (status >= 400) this.#failedOf[client]!++
    this.#lastOf[client] = timeMs
    this.#lastFailedOf[client] = asksToWait ? 1 : 0
  }

  #grow(length: number): void {
    this.#nClients = length
    this.#requestsOf = grown(this.#requestsOf, length)
    this.#failedOf = grown(this.#failedOf, length)
    this.#retriesOf = grown(this.#retriesOf, length)
    this.#firstOf = grown(this.#firstOf, length)
    this.#lastOf = grown(this.#lastOf, length)
    this.#lastFailedOf = grown(this.#lastFailedOf, length)
  }
}
