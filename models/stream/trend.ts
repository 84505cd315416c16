import { mannKendall } from '../statistics/mann-kendall.js'
import { quantile } from '../statistics/quantile.js'
import { theilSenSlope } from '../statistics/theil-sen-slope.js'

export type Direction = 'increasing' | 'decreasing' | 'stable'

/** A series has a trend when chance would make it look so less often than this. */
export const SIGNIFICANCE = 0.05

/** A change over the whole series that is smaller than this share of its median does not matter. */
export const MIN_CHANGE = 0.1

/**
 * The direction of a series. It is up or down when the Mann-Kendall test finds a trend and the Theil-Sen slope makes it
 * large enough to matter.
 *
 * @param values in order of time, without NaN; fewer than two are stable. O(n²)
 * @param minChange the smallest change over the whole series that matters, in the unit of the values
 */
export function trendOf(values: readonly number[], minChange: number): Direction {
  if (values.length < 2 || mannKendall(values).p >= SIGNIFICANCE) return 'stable'
  const change = theilSenSlope(values) * (values.length - 1)
  if (Math.abs(change) < Math.max(minChange, MIN_CHANGE * quantile(values, 0.5))) return 'stable'
  return change > 0 ? 'increasing' : 'decreasing'
}
