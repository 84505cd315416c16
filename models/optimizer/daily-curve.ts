import { quantileSorted } from '../statistics/quantile.js'
import type { CurvePoint } from './optimizer-model.js'

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000
/** Of the days: a flood on one of them does not rule. */
const DAYS_SERVED = 0.9

/**
 * The arrival curve of all callers of an endpoint together, as models/rate-limit/arrival-curve.ts has it for clients,
 * but of each day (UTC) by itself: the bucket starts every day full. In one pass over requests in order of time.
 */
export class DailyCurve {
  readonly #limits: readonly number[]
  readonly #backlog: Float64Array
  readonly #largest: Float64Array
  readonly #days: Float64Array[] = []
  #day = NaN
  #lastMs = 0

  /** @param limits requests a minute, whole numbers from 1, ascending */
  constructor(limits: readonly number[]) {
    this.#limits = limits
    this.#backlog = new Float64Array(limits.length)
    this.#largest = new Float64Array(limits.length)
  }

  /** @param timeMs whole milliseconds since 1970, not before the last one */
  add(timeMs: number): void {
    const day = Math.floor(timeMs / DAY_MS)
    if (day !== this.#day) this.#begin(day, timeMs)
    const elapsed = timeMs - this.#lastMs
    this.#lastMs = timeMs
    for (let k = 0; k < this.#limits.length; k++) {
      const left = this.#backlog[k]! - elapsed * this.#limits[k]!
      const backlog = (left > 0 ? left : 0) + MINUTE_MS
      this.#backlog[k] = backlog
      if (backlog > this.#largest[k]!) this.#largest[k] = backlog
    }
  }

  /** What nine of ten days need at each rate; empty without requests. Call it at the end. */
  points(): CurvePoint[] {
    this.#begin(NaN, 0)
    if (this.#days.length === 0) return []
    return this.#limits.map((limit, k) => {
      const depths = Float64Array.from(this.#days, (largest) => largest[k]! / MINUTE_MS).sort()
      return { limit, burst: Math.ceil(quantileSorted(depths, DAYS_SERVED)) }
    })
  }

  #begin(day: number, timeMs: number): void {
    if (!Number.isNaN(this.#day)) this.#days.push(this.#largest.slice())
    this.#day = day
    this.#lastMs = timeMs
    this.#backlog.fill(0)
    this.#largest.fill(0)
  }
}
