import { FIRST_LENGTH, grown } from '../growing-array.js'
import { checkRule } from './limit-rule.js'

/**
 * The rate of requests of each of many keys over a sliding window, as HAProxy estimates it (freq_ctr): the requests of
 * the present period, and those of the period before in proportion to what is left of the window. Requests that are
 * rejected count too. An entry that is idle for `expireMs` begins anew. 24 bytes a key.
 *
 * Keys are small whole numbers from 0; times are milliseconds, ascending.
 */
export class SlidingRates {
  readonly #windowMs: number
  readonly #expireMs: number
  #startMs = new Float64Array(FIRST_LENGTH)
  #seenMs = new Float64Array(FIRST_LENGTH)
  #current = new Uint32Array(FIRST_LENGTH)
  #before = new Uint32Array(FIRST_LENGTH)

  /** @throws RangeError when windowMs is not a whole number from 1 */
  constructor({ windowMs, expireMs }: { readonly windowMs: number; readonly expireMs: number }) {
    checkRule({ windowMs })
    this.#windowMs = windowMs
    this.#expireMs = expireMs
  }

  /** Counts a request. */
  count(key: number, timeMs: number): void {
    if (key >= this.#current.length) {
      this.#startMs = grown(this.#startMs, key + 1)
      this.#seenMs = grown(this.#seenMs, key + 1)
      this.#current = grown(this.#current, key + 1)
      this.#before = grown(this.#before, key + 1)
    }
    const windowMs = this.#windowMs
    const passed = Math.floor((timeMs - this.#startMs[key]!) / windowMs)
    if (timeMs - this.#seenMs[key]! >= this.#expireMs || passed >= 2 || this.#isNew(key)) {
      this.#before[key] = 0
      this.#current[key] = 0
      this.#startMs[key] = timeMs
    } else if (passed === 1) {
      this.#before[key] = this.#current[key]!
      this.#current[key] = 0
      this.#startMs[key]! += windowMs
    }
    this.#seenMs[key] = timeMs
    this.#current[key]!++
  }

  /** The rate now; changes nothing. */
  rate(key: number, timeMs: number): number {
    if (key >= this.#current.length || this.#isNew(key) || timeMs - this.#seenMs[key]! >= this.#expireMs)
      return 0
    const windowMs = this.#windowMs
    const left = this.#startMs[key]! + windowMs - timeMs
    if (left >= 0) return this.#sum(this.#current[key]!, this.#before[key]!, left)
    return left + windowMs >= 0 ? this.#sum(0, this.#current[key]!, left + windowMs) : 0
  }

  #isNew(key: number): boolean {
    return this.#current[key] === 0 && this.#before[key] === 0
  }

  /** Very low rates do not flap between 0 and 1 (freq_ctr_total of HAProxy). */
  #sum(current: number, before: number, left: number): number {
    if (current === 0 && before <= 1) return before
    return current + Math.floor((before * left) / this.#windowMs)
  }
}
