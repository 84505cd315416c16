import { mannKendall } from '../statistics/mann-kendall.js'
import { quantile } from '../statistics/quantile.js'
import { theilSenSlope } from '../statistics/theil-sen-slope.js'

/** The level of each day of a history, and how it goes on. */
export interface DailyLevel {
  readonly firstDay: number
  /** By day from the first on. */
  readonly levels: Float64Array
  /** Of the last days, where it goes on from. */
  readonly recent: number
  /** Change a day after the last one; 0 where the history has no trend. */
  readonly slope: number
}

/** Days on either side whose median is the level of a day: an incident of some days does not move it. */
export const REACH_DAYS = 3

/** Days of which the level after the history is the median. */
export const LAST_DAYS = 3

/** Fewer days have no trend. */
export const MIN_TREND_DAYS = 7
export const SIGNIFICANCE = 0.01

/** A trend fades: after so many days 63 % of what it comes to is there. */
export const FADING_DAYS = 7

/**
 * The level of each day: the running median, over a week, of the medians of the days, so that the weekend stays with
 * the rhythm; days far from any with samples take that of the last one before. The trend is that of Theil and Sen where Mann and
 * Kendall's test finds one.
 *
 * @param values with their local days, in order of time; NaN where nothing is known
 */
export function fitDailyLevel(
  values: Float64Array,
  days: Int32Array,
  isUsed?: (i: number) => boolean,
): DailyLevel {
  const firstDay = days[0] ?? 0
  const byDay = Array.from({ length: (days.at(-1) ?? firstDay) - firstDay + 1 }, (): number[] => [])
  values.forEach((value, i) => {
    if (!Number.isNaN(value) && (!isUsed || isUsed(i))) byDay[days[i]! - firstDay]!.push(value)
  })
  const medians = byDay.map((day) => (day.length > 0 ? quantile(day, 0.5) : NaN))
  let last = medians.find((each) => !Number.isNaN(each)) ?? 0
  const levels = Float64Array.from(medians, (_, day) => {
    const around = medians.slice(Math.max(0, day - REACH_DAYS), day + REACH_DAYS + 1)
    const near = around.filter((each) => !Number.isNaN(each))
    return (last = near.length > 0 ? quantile(near, 0.5) : last)
  })
  const known = medians.filter((each) => !Number.isNaN(each))
  const hasTrend = known.length >= MIN_TREND_DAYS && mannKendall(known).p < SIGNIFICANCE
  const recent = quantile(levels.subarray(-LAST_DAYS), 0.5)
  return { firstDay, levels, recent, slope: hasTrend ? slopeOf(known) : 0 }
}

/** That of the whole history and that of its last week, whichever is less: a step in the middle is no growth. */
function slopeOf(levels: readonly number[]): number {
  const [whole, last] = [theilSenSlope(levels), theilSenSlope(levels.slice(-MIN_TREND_DAYS))]
  if (Math.sign(whole) !== Math.sign(last)) return 0
  return Math.abs(whole) < Math.abs(last) ? whole : last
}

/** The level at a local day, within the history or after it. */
export function levelAt({ firstDay, levels, recent, slope }: DailyLevel, day: number): number {
  const index = day - firstDay
  if (index < 0) return levels[0]!
  if (index < levels.length) return levels[index]!
  const ahead = index - levels.length + 1 + Math.min(LAST_DAYS, levels.length) / 2
  return recent + slope * FADING_DAYS * (1 - Math.exp(-ahead / FADING_DAYS))
}
