import { quantile } from '../../statistics/quantile.js'
import { HOURS_PER_DAY, type ClientTable } from './table.js'

/**
 * How many of the crowd come at each hour of the day (UTC): clients active in that hour, summed over the days. No
 * single client can quicken this pulse. Growth from day to day is left out of it: a client need not share that.
 *
 * @returns 24 counts
 */
export function crowdRhythm({ rows, order }: ClientTable): Float64Array {
  const active = new Float64Array(HOURS_PER_DAY)
  for (const row of order) active[rows.hour[row]! % HOURS_PER_DAY]!++
  return active
}

/** An hour of a client amid a run of active ones. */
export interface ClientHour {
  readonly hour: number
  readonly requests: number
  readonly busiestMinute: number
}

const MIN_SWING = 0.1
const MINUTES_PER_HOUR = 60

/**
 * How a client's requests follow the crowd: the slope of ln(requests of its hour) on ln(crowd at that hour of the day)
 * by the resistant line (Tukey 1977, "Exploratory Data Analysis", chapter 5): between the medians of the outer thirds.
 * Near 1 for a shared address or a person, whose requests come with the crowd; near 0 for a program that keeps an even
 * pace.
 *
 * @param hours of the client, at least three
 * @param crowd {@link crowdRhythm}
 * @returns the slope; NaN where the crowd hardly swings over these hours
 */
export function crowdElasticity(hours: readonly ClientHour[], crowd: Float64Array): number {
  const logCrowd = ({ hour }: ClientHour) => Math.log(crowd[hour % HOURS_PER_DAY]!)
  const sorted = hours.toSorted((a, b) => logCrowd(a) - logCrowd(b) || a.hour - b.hour)
  const third = Math.floor(sorted.length / 3)
  const rise = (of: (hour: ClientHour) => number) =>
    quantile(sorted.slice(-third).map(of), 0.5) - quantile(sorted.slice(0, third).map(of), 0.5)
  const swing = rise(logCrowd)
  return swing < MIN_SWING ? NaN : rise(({ requests }) => Math.log(requests)) / swing
}

/**
 * How far the busiest minute of a client's middle hour stands out, in standard deviations of a Poisson process of that
 * hour's rate. A steady program, even or at random, stays near 3 (the largest of sixty); people who load pages, and
 * many of them behind one address, lie well above.
 *
 * @param hours not empty
 */
export function burstiness(hours: readonly ClientHour[]): number {
  return quantile(
    hours.map(({ requests, busiestMinute }) => {
      const mean = requests / MINUTES_PER_HOUR
      return (busiestMinute - mean) / Math.sqrt(mean)
    }),
    0.5,
  )
}
