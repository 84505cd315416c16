import { quantileSorted } from './quantile.js'
import { createRandom } from './random.js'

/** A 90 % interval of a figure. */
export interface Interval {
  readonly lower: number
  readonly upper: number
}

const RESAMPLES = 100

/**
 * The uncertainty of a figure because of the days that happened to be seen: a 90 % percentile interval of the block
 * bootstrap. A block is a day, since minutes and hours of a day depend on one another (Efron and Tibshirani 1993, "An
 * Introduction to the Bootstrap", chapters 8.6 and 13.3).
 *
 * @param nDays at least 1; with one day the interval has no width
 * @param figure of a history made of these days (indices below nDays, some of them more than once); 100 calls
 * @param seed the same seed gives the same interval
 */
export function bootstrapInterval(
  nDays: number,
  figure: (days: Uint32Array) => number,
  seed: number,
): Interval {
  const random = createRandom(seed)
  const figures = new Float64Array(RESAMPLES)
  const days = new Uint32Array(nDays)
  for (let resample = 0; resample < RESAMPLES; resample++) {
    for (let i = 0; i < nDays; i++) days[i] = random.integer(nDays)
    figures[resample] = figure(days)
  }
  figures.sort()
  return { lower: quantileSorted(figures, 0.05), upper: quantileSorted(figures, 0.95) }
}
