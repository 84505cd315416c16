import { FIRST_LENGTH, grown } from '../growing-array.js'
import { checkRule, type LimitRule, type LimitState } from './limit-rule.js'

/**
 * A token bucket for each of many clients: it holds `burst` tokens, starts full, gains `limit` of them evenly over
 * `windowMs`, and a request that passes takes one, or as many as it costs. A rejected request takes nothing.
 *
 * Kept as the generic cell rate algorithm keeps it (ITU-T I.371, annex A; equal to a token bucket or leaky bucket as
 * a meter): one number a client, when its bucket will be full again. Time is measured in milliseconds × limit from
 * `originMs`, so that a token is exactly `windowMs` and nothing is ever rounded: exact while the time since originMs
 * × limit, plus windowMs × burst, stays below 2^53 (28 years at 10,000 a window). 8 bytes a client.
 *
 * Clients are small whole numbers from 0, of the caller's making. Times are whole milliseconds from originMs on. A
 * request dated before an earlier one of its client finds no more tokens than that one left.
 */
export class TokenBuckets {
  readonly #limit: number
  readonly #windowMs: number
  readonly #depth: number
  readonly #originMs: number
  /** When the bucket is full again, in ms × limit since the origin; 0 for a client not seen. */
  #fullAt = new Float64Array(FIRST_LENGTH)

  /** @throws RangeError when the rule holds anything but whole numbers from 1 */
  constructor({ limit, burst, windowMs }: LimitRule, originMs: number) {
    checkRule({ limit, burst, windowMs })
    this.#limit = limit
    this.#windowMs = windowMs
    this.#depth = burst * windowMs
    this.#originMs = originMs
  }

  /** Whether a request passes; it is counted if it does. @param cost in tokens, a whole number from 1 */
  take(client: number, timeMs: number, cost = 1): boolean {
    if (client >= this.#fullAt.length) this.#fullAt = grown(this.#fullAt, client + 1)
    const now = (timeMs - this.#originMs) * this.#limit
    const before = this.#fullAt[client]!
    const after = (before > now ? before : now) + cost * this.#windowMs
    if (after - now > this.#depth) return false
    this.#fullAt[client] = after
    return true
  }

  /** Whether a request would pass; changes nothing. */
  allows(client: number, timeMs: number, cost = 1): boolean {
    const now = (timeMs - this.#originMs) * this.#limit
    return Math.max(this.#fullAt[client] ?? 0, now) + cost * this.#windowMs - now <= this.#depth
  }

  /** How {@link take} would find it; changes nothing. */
  peek(client: number, timeMs: number): LimitState {
    const now = (timeMs - this.#originMs) * this.#limit
    const missing = Math.max(0, (this.#fullAt[client] ?? 0) - now)
    const remaining = Math.max(0, Math.floor((this.#depth - missing) / this.#windowMs))
    const wait = missing + this.#windowMs - this.#depth
    return { allowed: wait <= 0, remaining, retryAfterMs: Math.max(0, Math.ceil(wait / this.#limit)) }
  }
}
