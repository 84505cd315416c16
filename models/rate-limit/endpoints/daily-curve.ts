import { ArrivalCurves } from '../arrival-curve.js'
import { quantileSorted } from '../../statistics/quantile.js'
import type { CurvePoint } from '../burst-curve.js'
import { DAY_MS, MINUTE_MS } from '../../traffic/durations.js'

/** The share of the days whose bursts are allowed: a flood on one of them does not decide. */
const DAYS_SERVED = 0.9

/**
 * The arrival curve of all callers of an endpoint together. It is that of {@link ArrivalCurves}, but of each day (UTC)
 * separately: the bucket starts every day full. One pass over the requests, in order of time.
 */
export class DailyCurve {
  readonly #limits: readonly number[]
  /** For each day that is over, its depth at each rate. */
  readonly #days: number[][] = []
  /** Of the current day, all callers as one client. */
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

  /** The burst that nine of ten days need at each rate, whole; empty without requests. Call it once, at the end. */
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
