import { quantileSorted } from './quantile.js'

const MIN_TAIL = 5

/**
 * The level that a share of a population exceeds, also where the sample is too small to have anyone above it.
 *
 * The values above a high threshold exceed it by amounts that are nearly exponential (peaks over threshold: Pickands
 * 1975; Davison and Smith 1990, with a shape of 0). The threshold u is the (k + 1)-th highest value, k being ⌈√n⌉ and at
 * least 5, and m is the mean excess of the k values above it. The share p is then exceeded at u + m · ln(k / (n · p)).
 * Where n · p ≥ k, the level is the quantile 1 − p (type 7) of the sample.
 *
 * @param values in any order, not empty
 * @param share p, in (0, 1)
 */
export function tailLevel(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort()
  const n = sorted.length
  const k = Math.min(n - 1, Math.max(MIN_TAIL, Math.ceil(Math.sqrt(n))))
  if (k < 1 || n * share >= k) return quantileSorted(sorted, 1 - share)
  const threshold = sorted[n - 1 - k]!
  const excess = sorted.subarray(n - k).reduce((sum, value) => sum + value - threshold, 0) / k
  return threshold + excess * Math.log(k / (n * share))
}
