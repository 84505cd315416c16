import { FIRST_LENGTH, grown } from '../growing-array.js'
import { checkRule, type LimitRule, type LimitState } from './limit-rule.js'

/**
 * A counter for each of many clients that begins anew with every window, as many gateways have it: windows are
 * aligned to the clock (multiples of windowMs since 1970), `limit` requests pass in each, so twice as many can around
 * a boundary. A rejected request is not counted. A request counts as one, or as its cost. 16 bytes a client.
 *
 * Clients are small whole numbers from 0, of the caller's making; times are milliseconds since 1970. A request dated
 * before its client's window counts in that window.
 */
export class FixedWindows {
  readonly #limit: number
  readonly #windowMs: number
  /** The window that is counted, plus one; 0 for a client not seen. */
  #window = new Float64Array(FIRST_LENGTH)
  #count = new Float64Array(FIRST_LENGTH)

  /** @throws RangeError when limit or windowMs is not a whole number from 1 */
  constructor({ limit, windowMs }: Omit<LimitRule, 'burst'>) {
    checkRule({ limit, windowMs })
    this.#limit = limit
    this.#windowMs = windowMs
  }

  /** Whether a request passes; it is counted if it does. @param cost from 1, whole */
  take(client: number, timeMs: number, cost = 1): boolean {
    if (client >= this.#count.length) {
      this.#window = grown(this.#window, client + 1)
      this.#count = grown(this.#count, client + 1)
    }
    const window = Math.floor(timeMs / this.#windowMs) + 1
    if (window > this.#window[client]!) {
      this.#window[client] = window
      this.#count[client] = 0
    }
    if (this.#count[client]! + cost > this.#limit) return false
    this.#count[client]! += cost
    return true
  }

  /** Whether a request would pass; changes nothing. */
  allows(client: number, timeMs: number, cost = 1): boolean {
    const counted = this.#window[client] ?? 0
    const used = Math.floor(timeMs / this.#windowMs) + 1 > counted ? 0 : this.#count[client]!
    return used + cost <= this.#limit
  }

  /** How {@link take} would find it; changes nothing. */
  peek(client: number, timeMs: number): LimitState {
    const window = Math.floor(timeMs / this.#windowMs) + 1
    const counted = this.#window[client] ?? 0
    const used = window > counted ? 0 : this.#count[client]!
    const remaining = this.#limit - used
    const retryAfterMs = remaining > 0 ? 0 : counted * this.#windowMs - timeMs
    return { allowed: remaining > 0, remaining, retryAfterMs }
  }
}
