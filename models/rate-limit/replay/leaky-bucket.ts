import { FIRST_LENGTH, grown } from '../growing-array.js'

/**
 * The leaky buckets of a zone of NGINX's limit_req, one for each of many keys, in the whole numbers that NGINX counts in
 * (ngx_http_limit_req_module.c): a request adds 1000 to the excess of its key, which runs out at `milliRate` a second, and is
 * rejected when the excess would be above 1000 × burst. A rejected request adds nothing. Several limits with bursts of their
 * own share a zone. 16 bytes a key.
 *
 * Keys are small whole numbers from 0; times are milliseconds, ascending.
 */
export class LeakyBuckets {
  readonly #milliRate: number
  #excess = new Float64Array(FIRST_LENGTH)
  /** Milliseconds plus one; 0 for a key not seen. */
  #last = new Float64Array(FIRST_LENGTH)

  /** @param milliRate thousandths of a request a second: NGINX has 16 for `rate=1r/m` */
  constructor(milliRate: number) {
    this.#milliRate = milliRate
  }

  /** Whether a request passes a limit of the zone; changes nothing. */
  allows(key: number, timeMs: number, burst: number): boolean {
    return this.#excessAfter(key, timeMs) <= 1000 * burst
  }

  /** Counts a request that passes. */
  take(key: number, timeMs: number): void {
    if (key >= this.#last.length) {
      this.#last = grown(this.#last, key + 1)
      this.#excess = grown(this.#excess, key + 1)
    }
    this.#excess[key] = this.#excessAfter(key, timeMs)
    this.#last[key] = Math.max(this.#last[key]!, timeMs + 1)
  }

  #excessAfter(key: number, timeMs: number): number {
    const last = this.#last[key] ?? 0
    if (last === 0) return 0
    const leaked = Math.floor((this.#milliRate * Math.max(0, timeMs + 1 - last)) / 1000)
    return Math.max(0, this.#excess[key]! - leaked + 1000)
  }
}
