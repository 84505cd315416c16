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
 * How a client's requests follow the crowd: the slope of ln(requests of its hour) on ln(active clients of that hour),
 * least squares over the hours in which it was active. Near 1 for a shared address or a person, whose requests come
 * with the crowd; near 0 for a program that keeps an even pace, whatever hours it keeps.
 *
 * @param hours in which the client was active
 * @param requests in each of them, from 1
 * @param crowd {@link crowdRhythm}
 * @returns the slope; NaN with fewer than 12 hours, or where the crowd hardly swings over them (standard deviation of
 *   the logarithm below 0.1)
 */
export function crowdElasticity(
  hours: ArrayLike<number>,
  requests: ArrayLike<number>,
  crowd: ReadonlyMap<number, number>,
): number {
  const n = hours.length
  if (n < FEWEST_HOURS) return NaN
  const x = Float64Array.from(hours, (hour) => Math.log(crowd.get(hour)!))
  const y = Float64Array.from(requests, Math.log)
  const meanX = x.reduce((sum, value) => sum + value, 0) / n
  const meanY = y.reduce((sum, value) => sum + value, 0) / n
  let sxx = 0
  let sxy = 0
  for (let i = 0; i < n; i++) {
    sxx += (x[i]! - meanX) ** 2
    sxy += (x[i]! - meanX) * (y[i]! - meanY)
  }
  return Math.sqrt(sxx / n) < LEAST_SWING ? NaN : sxy / sxx
}
