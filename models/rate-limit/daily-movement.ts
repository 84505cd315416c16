import { bootstrapInterval, type Interval } from '../statistics/bootstrap-interval.js'

/**
 * How much a limit moves from day to day: it is taken to move as the mean of the days' own figures does when the days
 * are drawn anew.
 *
 * @param daily a figure of each day, not negative; with fewer than two nothing is known of movement, and the interval
 *   has no width
 * @param limit that the whole history gives, in its unit
 */
export function dailyMovement(daily: ArrayLike<number>, limit: number, seed: number): Interval {
  const mean = (days: ArrayLike<number>): number => {
    let sum = 0
    for (let i = 0; i < days.length; i++) sum += daily[days[i]!]!
    return sum / days.length
  }
  const whole = mean(Uint32Array.from(daily, (_, day) => day))
  if (daily.length < 2 || !(whole > 0)) return { lower: limit, upper: limit }
  const { lower, upper } = bootstrapInterval(daily.length, mean, seed)
  return { lower: (limit * lower) / whole, upper: (limit * upper) / whole }
}
