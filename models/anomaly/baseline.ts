import { quantileSorted } from '../statistics/quantile.js'

/** A summary of a feature over the training data, in the feature's unit. */
export interface Baseline {
  readonly mean: number
  /** Population standard deviation. */
  readonly std: number
  readonly median: number
  readonly q25: number
  readonly q75: number
  readonly iqr: number
  readonly min: number
  readonly max: number
}

/**
 * Summarises a feature. Quantiles are of type 7 (see `quantile`). O(n log n).
 *
 * @param values `[nSamples]`, finite, in any order; not changed
 * @throws RangeError when values is empty
 */
export function fitBaseline(values: Float64Array): Baseline {
  const sorted = values.slice().sort()
  const median = quantileSorted(sorted, 0.5)
  const mean = values.reduce((sum, value) => sum + value / values.length, 0)
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2 / values.length, 0)
  const q25 = quantileSorted(sorted, 0.25)
  const q75 = quantileSorted(sorted, 0.75)
  return {
    mean,
    std: Math.sqrt(variance),
    median,
    q25,
    q75,
    iqr: q75 - q25,
    min: sorted[0]!,
    max: sorted.at(-1)!,
  }
}
