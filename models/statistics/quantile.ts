/**
 * The p-quantile by linear interpolation between order statistics: type 7 of Hyndman and Fan (1996,
 * "Sample Quantiles in Statistical Packages"), the default of R and numpy.
 *
 * @param values any order, not empty, without NaN; they are copied, not moved
 * @param p 0 (the minimum) … 1 (the maximum)
 * @throws RangeError when values is empty or p lies outside 0…1
 * @example quantile([1, 2, 3, 4], 0.5) // 2.5
 */
export function quantile(values: ArrayLike<number>, p: number): number {
  return quantileSorted(Float64Array.from(values).sort(), p)
}

/** As {@link quantile}, of values already in ascending order; constant time. */
export function quantileSorted(sorted: ArrayLike<number>, p: number): number {
  if (sorted.length === 0) throw new RangeError('A quantile needs at least one value.')
  if (!(p >= 0 && p <= 1)) throw new RangeError(`p must lie between 0 and 1, not ${p}.`)
  const position = (sorted.length - 1) * p
  const below = Math.floor(position)
  const lower = sorted[below]!
  const upper = sorted[Math.min(below + 1, sorted.length - 1)]!
  return lower + (upper - lower) * (position - below)
}
