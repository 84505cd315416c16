import { ArrivalCurves } from '../rate-limit/arrival-curve.js'
import { quantileSorted } from '../statistics/quantile.js'
import type { CurvePoint } from './model.js'
import { DAY_MS, MINUTE_MS } from '../traffic/durations.js'

/** Of the days: a flood on one of them does not rule. */
const DAYS_SERVED = 0.9

/**
 * The arrival curve of all callers of an endpoint together, as {@link ArrivalCurves} has it for clients,
 * but of each day (UTC) by itself: the bucket starts every day full. In one pass over requests in order of time.
 */
export class DailyCurve {
  readonly #limits: readonly number[]
  /** Of each day that is over, its depth at each rate. */
  readonly #days: number[][] = []
  /** Of the present day, all callers as one client. */
  #curves: ArrivalCurves
  #day = NaN

  /** @param limits requests a minute, whole numbers from 1, ascending */
  constructor(limits: readonly number[]) {
    this.#limits = limits
    this.#curves = new ArrivalCurves(limits, MINUTE_MS)
  }

  /** @param timeMs whole milliseconds since 1970, not before the last one */
  add(timeMs: number): void {
    const day = Math.floor(timeMs / DAY_MS)
    if (day !== this.#day) this.#begin(day)
    this.#curves.add(0, timeMs)
  }

  /** What nine of ten days need at each rate; empty without requests. Call it at the end. */
  points(): CurvePoint[] {
    this.#begin(NaN)
    if (this.#days.length === 0) return []
    return this.#limits.map((limit, k) => {
      const depths = Float64Array.from(this.#days, (ofDay) => ofDay[k]!).sort()
      return { limit, burst: Math.ceil(quantileSorted(depths, DAYS_SERVED)) }
    })
  }

  #begin(day: number): void {
    if (!Number.isNaN(this.#day)) this.#days.push(this.#limits.map((_, k) => this.#curves.sigma(0, k)))
    this.#day = day
    this.#curves = new ArrivalCurves(this.#limits, MINUTE_MS)
  }
}
