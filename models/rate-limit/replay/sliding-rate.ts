import { grown } from '../growing-array.js'
import { checkRule } from './limit-rule.js'

/**
 * The rate of requests of each of many clients over a sliding window, as HAProxy estimates it (freq_ctr): the requests
 * of the present period, and those of the period before in proportion to what is left of the window. Requests that are
 * rejected count too. 24 bytes a client.
 *
 * Clients are small whole numbers from 0; times are milliseconds, ascending.
 */
export class SlidingRates {
  readonly #limit: number
  readonly #windowMs: number
  #startMs = new Float64Array(1024)
  #current = new Float64Array(1024)
  #before = new Float64Array(1024)

  /** @throws RangeError when windowMs is not a whole number from 1 */
  constructor({ limit, windowMs }: { readonly limit: number; readonly windowMs: number }) {
    checkRule({ windowMs })
    this.#limit = limit
    this.#windowMs = windowMs
  }

  /** Counts a request, and says whether the rate is within the limit. */
  take(client: number, timeMs: number): boolean {
    if (client >= this.#current.length) {
      this.#startMs = grown(this.#startMs, client + 1)
      this.#current = grown(this.#current, client + 1)
      this.#before = grown(this.#before, client + 1)
    }
    const windowMs = this.#windowMs
    if (this.#current[client] === 0) this.#startMs[client] = timeMs
    const passed = Math.floor((timeMs - this.#startMs[client]!) / windowMs)
    if (passed >= 1) {
      this.#before[client] = passed === 1 ? this.#current[client]! : 0
      this.#current[client] = 0
      this.#startMs[client] = passed === 1 ? this.#startMs[client]! + windowMs : timeMs
    }
    this.#current[client]!++
    const left = windowMs - (timeMs - this.#startMs[client]!)
    return this.#current[client]! + Math.floor((this.#before[client]! * left) / windowMs) <= this.#limit
  }
}
