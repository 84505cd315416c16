import { quantile } from '../statistics/quantile.js'
import type { ClientTable } from './client-table.js'

/** How many clients were active in each hour: the pulse of the crowd, which no single client can quicken. */
export function crowdRhythm({ rows, order }: ClientTable): Map<number, number> {
  const active = new Map<number, number>()
  for (const row of order) active.set(rows.hour[row]!, (active.get(rows.hour[row]!) ?? 0) + 1)
  return active
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
  crowd: ReadonlyMap<number, number>,
): number {
  const points: { x: number; y: number }[] = []
  for (let i = 1; i < hours.length - 1; i++) {
    const amid = hours[i]! - hours[i - 1]! === 1 && hours[i + 1]! - hours[i]! === 1
    if (amid) points.push({ x: Math.log(crowd.get(hours[i]!)!), y: Math.log(requests[i]!) })
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
