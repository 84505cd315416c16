import { quantile } from './quantile.js'

/**
 * The Theil-Sen slope (Sen 1968, "Estimates of the Regression Coefficient Based on Kendall's Tau"): the median
 * of the slopes between all pairs of values. It tolerates up to 29 % of outliers.
 *
 * @param values at equal distances, in order, without NaN; fewer than two: 0. O(n²)
 * @returns change per step, in the unit of the values
 */
export function theilSenSlope(values: ArrayLike<number>): number {
  const slopes: number[] = []
  for (let i = 0; i < values.length; i++) {
    for (let j = i + 1; j < values.length; j++) slopes.push((values[j]! - values[i]!) / (j - i))
  }
  return slopes.length === 0 ? 0 : quantile(slopes, 0.5)
}
