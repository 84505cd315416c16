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
/** Standard deviations of the difference of two Poisson counts. */
const MIN_ERRORS = 2
const IQR_PER_SIGMA = 1.349
/** √(π / 2). */
const MEDIAN_EFFICIENCY = 1.2533
const MINUTES_PER_HOUR = 60

/** How a client's requests follow the crowd. */
export interface Elasticity {
  readonly slope: number
  /** Of the slope. */
  readonly standardError: number
}

/**
 * How a client's requests follow the crowd: the slope of ln(requests of its hour) on ln(crowd at that hour of the day)
 * by the resistant line (Tukey 1977, "Exploratory Data Analysis", chapter 5): between the medians of the outer thirds.
 * Near 1 for a shared address or a person, whose requests come with the crowd; near 0 for a program that keeps an even
 * pace.
 *
 * The standard error is that of the difference of two medians, 1.253 · σ · √(2 / n) of n hours each, with σ from the
 * quartiles of the thirds (the interquartile range of a normal distribution is 1.349 σ).
 *
 * @param hours of the client, at least three
 * @param crowd {@link crowdRhythm}
 * @returns null where the crowd swings over these hours by less than a tenth, or by no more than counts do by chance
 */
export function crowdElasticity(hours: readonly ClientHour[], crowd: Float64Array): Elasticity | null {
  const logCrowd = ({ hour }: ClientHour) => Math.log(crowd[hour % HOURS_PER_DAY]!)
  const sorted = hours.toSorted((a, b) => logCrowd(a) - logCrowd(b) || a.hour - b.hour)
  const third = Math.floor(sorted.length / 3)
  const [low, high] = [sorted.slice(0, third), sorted.slice(-third)]
  const rise = (of: (hour: ClientHour) => number) => quantile(high.map(of), 0.5) - quantile(low.map(of), 0.5)
  const swing = rise(logCrowd)
  const count = quantile(
    low.map(({ hour }) => crowd[hour % HOURS_PER_DAY]!),
    0.5,
  )
  if (swing < Math.max(MIN_SWING, MIN_ERRORS * Math.sqrt(2 / count))) return null
  const logRequests = ({ requests }: ClientHour) => Math.log(requests)
  const spread = (of: readonly ClientHour[]) =>
    (quantile(of.map(logRequests), 0.75) - quantile(of.map(logRequests), 0.25)) / IQR_PER_SIGMA
  const sigma = (spread(low) + spread(high)) / 2
  const error = MEDIAN_EFFICIENCY * sigma * Math.sqrt(2 / third)
  return { slope: rise(logRequests) / swing, standardError: error / swing }
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
