import { quantile } from './quantile.js'

/**
 * The median absolute deviation from the median, not scaled. For a normal distribution 1.4826 × mad
 * estimates the standard deviation (Hampel 1974, "The Influence Curve and its Role in Robust Estimation").
 *
 * @param values not empty, without NaN
 * @param centre the median, when it is known already
 * @throws RangeError when values is empty
 */
export function mad(values: ArrayLike<number>, centre = quantile(values, 0.5)): number {
  return quantile(
    Float64Array.from(values, (value) => Math.abs(value - centre)),
    0.5,
  )
}
