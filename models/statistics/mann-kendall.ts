import { upperTail } from './normal-tail.js'

/** A test for a monotonic trend. */
interface MannKendall {
  /** Pairs in ascending order less pairs in descending order. */
  readonly s: number
  /** Variance of s without a trend, corrected for ties. */
  readonly varS: number
  /** s standardised, with the continuity correction. */
  readonly z: number
  /** Two-sided, by the normal approximation (good from ten values on). */
  readonly p: number
}

/**
 * The Mann-Kendall test for a monotonic trend (Mann 1945; Kendall 1975, "Rank Correlation Methods", chapter 4). It
 * assumes no distribution, and an outlier has little influence.
 *
 * @param values in order of time, without NaN; fewer than two, or all alike: p = 1. O(n²)
 */
export function mannKendall(values: ArrayLike<number>): MannKendall {
  const n = values.length
  let s = 0
  const ties = new Map<number, number>()
  for (let i = 0; i < n; i++) {
    ties.set(values[i]!, (ties.get(values[i]!) ?? 0) + 1)
    for (let j = i + 1; j < n; j++) s += Math.sign(values[j]! - values[i]!)
  }
  let varS = n * (n - 1) * (2 * n + 5)
  for (const t of ties.values()) varS -= t * (t - 1) * (2 * t + 5)
  varS /= 18
  const z = varS > 0 ? (s - Math.sign(s)) / Math.sqrt(varS) : 0
  return { s, varS, z, p: z === 0 ? 1 : 2 * upperTail(Math.abs(z)) }
}
