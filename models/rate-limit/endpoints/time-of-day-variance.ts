import { minutesOutside, type MinuteRange } from '../minute-ranges.js'

const HOURS = 24
const MINUTES = 60

/**
 * How much traffic swings over the day: the population standard deviation of the 24 hourly counts over their
 * mean, a coefficient of variation (0: flat). The hours are those of the day (UTC), summed over the days, so that
 * a quiet endpoint's chance does not pass for a rhythm.
 *
 * History seldom ends with a day: an hour of the day counts by its requests per minute covered, and weighs by
 * those minutes; over whole days this is the plain standard deviation over mean of the 24 counts.
 *
 * @param minutes those with requests, since 1970, ascending, not empty; history reaches from the first to the last
 * @param counts requests in each of them
 * @param excluded merged ranges that count as not covered
 */
export function timeOfDayVariance(
  minutes: ArrayLike<number>,
  counts: ArrayLike<number>,
  excluded: readonly MinuteRange[] = [],
): number {
  const requests = new Float64Array(HOURS)
  for (let i = 0; i < minutes.length; i++) requests[hourOfDay(minutes[i]!)]! += counts[i]!
  const covered = minutesOfDay({ from: minutes[0]!, to: minutes[minutes.length - 1]! + 1 }, excluded)
  const nMinutes = covered.reduce((sum, n) => sum + n, 0)
  const mean = requests.reduce((sum, n) => sum + n, 0) / nMinutes
  let variance = 0
  for (let hour = 0; hour < HOURS; hour++) {
    if (covered[hour]! > 0) variance += covered[hour]! * (requests[hour]! / covered[hour]! - mean) ** 2
  }
  return Math.sqrt(variance / nMinutes) / mean
}

/** How many minutes of each hour of the day a range covers. */
function minutesOfDay(range: MinuteRange, excluded: readonly MinuteRange[]): Float64Array {
  const covered = new Float64Array(HOURS)
  for (let from = range.from; from < range.to;) {
    const to = Math.min(range.to, (Math.floor(from / MINUTES) + 1) * MINUTES)
    covered[hourOfDay(from)]! += minutesOutside(excluded, { from, to })
    from = to
  }
  return covered
}

function hourOfDay(minute: number): number {
  const hour = Math.floor(minute / MINUTES) % HOURS
  return hour < 0 ? hour + HOURS : hour
}
