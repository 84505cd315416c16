import { mannKendall } from '../statistics/mann-kendall.js'
import { quantile } from '../statistics/quantile.js'
import { theilSenSlope } from '../statistics/theil-sen-slope.js'

export type Direction = 'increasing' | 'decreasing' | 'stable'

/** A trend is called one when chance would bring it about less often than this. */
const SIGNIFICANCE = 0.05

/** A change over the whole series that is smaller than this share of its median is not worth a word. */
const MIN_CHANGE = 0.1

/**
 * Where a series is heading: up or down when the Mann-Kendall test says that it moves and the Theil-Sen slope
 * that it moves far enough to matter.
 *
 * @param values in order of time
 * @param minChange what matters over the whole series at least, in the unit of the values
 */
export function trendOf(values: readonly number[], minChange: number): Direction {
  if (values.length < 2 || mannKendall(values).p >= SIGNIFICANCE) return 'stable'
  const change = theilSenSlope(values) * (values.length - 1)
  if (Math.abs(change) < Math.max(minChange, MIN_CHANGE * quantile(values, 0.5))) return 'stable'
  return change > 0 ? 'increasing' : 'decreasing'
}
