/**
 * The p-quantile (type 7, as models/statistics/quantile.ts) of some positive values and so many zeros, which are
 * not written out: a quiet endpoint has ten thousand empty minutes a week.
 *
 * @param sorted ascending, positive
 * @param zeros how many zeros there are beside them, a whole number from 0
 * @param p 0…1
 * @throws RangeError when there are neither values nor zeros
 */
export function quantileWithZeros(sorted: ArrayLike<number>, zeros: number, p: number): number {
  const n = sorted.length + zeros
  if (n === 0) throw new RangeError('A quantile needs at least one value.')
  const at = (place: number) => (place < zeros ? 0 : sorted[place - zeros]!)
  const position = (n - 1) * p
  const below = Math.floor(position)
  const lower = at(below)
  return lower + (at(Math.min(below + 1, n - 1)) - lower) * (position - below)
}
