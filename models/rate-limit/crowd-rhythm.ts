import { quantile } from '../statistics/quantile.js'
import { dayOf, HOURS_PER_DAY, type ClientTable } from './client-table.js'

/**
 * How many clients are active in an hour, as the crowd has it: what of the crowd comes at that hour of the day, times
 * what came on that day. No single client can quicken this pulse, and chance hardly can: a product of two margins is
 * far steadier than the count of the hour, and an unsteady measure would hide that a client follows it.
 *
 * @returns the expected number of active clients of any hour with rows
 */
export function crowdRhythm({ rows, order }: ClientTable): (hour: number) => number {
  const ofDay = new Map<number, number>()
  const ofHour = new Float64Array(HOURS_PER_DAY)
  for (const row of order) {
    const hour = rows.hour[row]!
    ofDay.set(dayOf(hour), (ofDay.get(dayOf(hour)) ?? 0) + 1)
    ofHour[hour % HOURS_PER_DAY]!++
  }
  return (hour) => ((ofDay.get(dayOf(hour)) ?? 0) * ofHour[hour % HOURS_PER_DAY]!) / order.length
}

const FEWEST_HOURS = 12
const LEAST_SWING = 0.1

/**
 * How a client's requests follow the crowd: the slope of ln(requests of its hour) on ln(active clients of that hour)
 * by the resistant line (Tukey 1977, "Exploratory Data Analysis", chapter 5): between the medians of the outer thirds.
 * Near 1 for a shared address or a person, whose requests come with the crowd; near 0 for a program that keeps an even
 * pace. Only hours amid a run of active ones count: the first and the last are cut short by coming and going, which
 * follows the crowd even where the pace does not.
 *
 * @param hours in which the client was active, ascending
 * @param requests in each of them, from 1
 * @param crowd {@link crowdRhythm}
 * @returns the slope; NaN with fewer than 12 hours, or where the crowd hardly swings over them
 */
export function crowdElasticity(
  hours: ArrayLike<number>,
  requests: ArrayLike<number>,
  crowd: (hour: number) => number,
): number {
  const points: { x: number; y: number }[] = []
  for (let i = 1; i < hours.length - 1; i++) {
    const amid = hours[i]! - hours[i - 1]! === 1 && hours[i + 1]! - hours[i]! === 1
    if (amid) points.push({ x: Math.log(crowd(hours[i]!)), y: Math.log(requests[i]!) })
  }
  if (points.length < FEWEST_HOURS) return NaN
  points.sort((a, b) => a.x - b.x)
  const third = Math.floor(points.length / 3)
  const low = points.slice(0, third)
  const high = points.slice(-third)
  const rise = (of: (point: { x: number; y: number }) => number) =>
    quantile(high.map(of), 0.5) - quantile(low.map(of), 0.5)
  const swing = rise(({ x }) => x)
  return swing < LEAST_SWING ? NaN : rise(({ y }) => y) / swing
}
