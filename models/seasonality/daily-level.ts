import { mannKendall } from '../statistics/mann-kendall.js'
import { quantile } from '../statistics/quantile.js'
import { theilSenSlope } from '../statistics/theil-sen-slope.js'

/** The level of each day of a history, and its continuation. */
export interface DailyLevel {
  readonly firstDay: number
  /** `[nDays]`, from the first day on. */
  readonly levels: Float64Array
  /** The level of the last days, from which it continues. */
  readonly recent: number
  /** Change per day after the last one; 0 without a trend. */
  readonly slope: number
}

/** The level of a day is the median over this many days on either side, so that an incident of some days does not move it. */
export const REACH_DAYS = 3

/** The level after the history is the median of this many last days. */
export const LAST_DAYS = 3

/** The fewest steps from day to day that may be steady growth. */
export const MIN_STEPS = 4

/** The fewest days that may have a trend. */
export const MIN_TREND_DAYS = 7
export const SIGNIFICANCE = 0.01

const NOON = 720

/** A trend fades: after this many days it has added 63 % of all that it adds. */
export const FADING_DAYS = 7

/**
 * Fits the level of each day: the running median over a week of the medians of the days, so that the weekend stays with
 * the rhythm. A day far from any with samples has the level of the one before. The trend is the Theil-Sen slope when the
 * Mann-Kendall test finds one.
 *
 * @param values `[n]`, in order of time; NaN when not known. Without any number the level is 0
 * @param days `[n]`, the local day of each value, ascending
 * @param isUsed which values count; all when left out
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
  const growth = steadyGrowth(medians)
  let last = medians.find((each) => !Number.isNaN(each)) ?? 0
  const levels = Float64Array.from(medians, (_, day) => {
    const from = Math.max(0, day - REACH_DAYS)
    const around = medians
      .slice(from, day + REACH_DAYS + 1)
      .map((each, i) => each + growth * (day - from - i))
    const near = around.filter((each) => !Number.isNaN(each))
    return (last = near.length > 0 ? quantile(near, 0.5) : last)
  })
  const known = medians.filter((each) => !Number.isNaN(each))
  const hasTrend = known.length >= MIN_TREND_DAYS && mannKendall(known).p < SIGNIFICANCE
  const lastLevels = levels.slice(-LAST_DAYS)
  const recent = quantile(
    lastLevels.map((level, i) => level + growth * (lastLevels.length - 1 - i)),
    0.5,
  )
  return { firstDay, levels, recent, slope: hasTrend ? slopeOf(known) : 0 }
}

/**
 * The growth from day to day when every day lies above the one before, or every day below it; 0 otherwise. The median over
 * some days then does not lag behind at the beginning and at the end. A weekend among the days is no growth.
 */
function steadyGrowth(medians: readonly number[]): number {
  const steps = medians
    .slice(1)
    .map((each, i) => each - medians[i]!)
    .filter((step) => !Number.isNaN(step))
  if (steps.length < MIN_STEPS || steps.some((step) => step * steps[0]! <= 0)) return 0
  return quantile(steps, 0.5)
}

/** The smaller slope of the whole history and of its last week, since a step in the middle is no growth. */
function slopeOf(levels: readonly number[]): number {
  const [whole, last] = [theilSenSlope(levels), theilSenSlope(levels.slice(-MIN_TREND_DAYS))]
  if (Math.sign(whole) !== Math.sign(last)) return 0
  return Math.abs(whole) < Math.abs(last) ? whole : last
}

/**
 * The level at a minute of a local day. The level of a day holds at noon; in between it is on the line from one noon to the
 * next, so that nothing jumps at midnight. Before the history it is that of the first day; after it, it continues with the
 * trend.
 */
export function levelAt(level: DailyLevel, day: number, minuteOfDay = NOON): number {
  const position = day - level.firstDay + (minuteOfDay - NOON) / (2 * NOON)
  const before = Math.floor(position)
  const share = position - before
  const from = levelOfDay(level, before)
  return share === 0 ? from : from + share * (levelOfDay(level, before + 1) - from)
}

function levelOfDay({ levels, recent, slope }: DailyLevel, index: number): number {
  if (index < 0) return levels[0]!
  if (index < levels.length) return levels[index]!
  const ahead = index - levels.length + 1 + Math.min(LAST_DAYS, levels.length) / 2
  return recent + slope * FADING_DAYS * (1 - Math.exp(-ahead / FADING_DAYS))
}
