import { quantileSorted } from '../statistics/quantile.js'

/** The share of the largest maxima that may be of incidents: they count as at least as large as the largest other one. */
const CENSORED = 0.05

/** The share of maxima that the tail is fitted to. */
const TAIL = 0.35

/** The fewest maxima with a tail. */
const MIN_MAXIMA = 20

/**
 * The level that the maximum of a block exceeds with a probability p. Sums of evidence of blocks without an incident have
 * an exponential tail (Siegmund 1985, "Sequential Analysis", chapter 2): a generalised Pareto one of shape 0, as a
 * heavier one would be fitted to incidents alone. Its scale is that of the maxima between two ranks, with those above
 * censored (type II: Lawless 2003, "Statistical Models and Methods for Lifetime Data", section 4.1).
 *
 * @param maxima of blocks, 0 or more, in any order
 * @param p 0…1
 * @returns 0 with fewer than {@link MIN_MAXIMA} maxima, or when the tail is 0. O(n log n)
 */
export function levelOfMaxima(maxima: readonly number[], p: number): number {
  const n = maxima.length
  if (n < MIN_MAXIMA) return 0
  const sorted = Float64Array.from(maxima).sort()
  const start = quantileSorted(sorted, 1 - TAIL)
  const censored = Math.ceil(CENSORED * n)
  const beyond = sorted.subarray(n - Math.floor(TAIL * n))
  const observed = beyond.subarray(0, beyond.length - censored)
  const last = observed.at(-1)! - start
  const sum = observed.reduce((total, value) => total + value - start, 0) + censored * last
  const scale = sum / observed.length
  return p >= TAIL ? start : start + scale * Math.log(TAIL / p)
}
