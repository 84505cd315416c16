import type { Random } from '../statistics/random.js'

/** A discrete distribution from which each draw takes constant time. */
export interface AliasTable {
  /** An index, drawn with the probability of its weight; one uniform number is used up. */
  draw(random: Random): number
}

/**
 * The alias method (Walker 1977; set up as in Vose 1991, "A linear algorithm for generating random numbers with
 * a given distribution"): every column of a square holds the share of one index and is filled up with another.
 * Linear to set up.
 *
 * @param weights one for each index, finite, not negative, not all zero
 * @throws RangeError on other weights
 */
export function aliasTable(weights: ArrayLike<number>): AliasTable {
  const n = weights.length
  const total = Array.from(weights).reduce((sum, weight) => sum + (weight >= 0 ? weight : NaN), 0)
  if (!(total > 0 && total < Infinity))
    throw new RangeError('Weights must be finite, not negative, not all 0.')
  const share = Float64Array.from(weights, (weight) => (weight * n) / total)
  const alias = Uint32Array.from(share, (_, index) => index)
  const small: number[] = []
  const large: number[] = []
  share.forEach((value, index) => (value < 1 ? small : large).push(index))
  while (small.length > 0 && large.length > 0) {
    const poor = small.pop()!
    const rich = large.at(-1)!
    alias[poor] = rich
    share[rich] = share[rich]! - (1 - share[poor]!)
    if (share[rich] < 1) small.push(large.pop()!)
  }
  // What rounding has left over is a full column.
  for (const index of [...small, ...large]) share[index] = 1
  return {
    draw(random) {
      const position = random.uniform() * n
      const index = Math.floor(position)
      return position - index < share[index]! ? index : alias[index]!
    },
  }
}

/**
 * Weights by Zipf's law: the k-th in rank gets 1 / k^exponent.
 *
 * @param n how many
 * @param exponent 0 (all alike) and above; 1 is the classic law
 */
export function zipfWeights(n: number, exponent: number): Float64Array {
  return Float64Array.from({ length: n }, (_, rank) => (rank + 1) ** -exponent)
}
