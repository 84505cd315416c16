import { quantileSorted } from '../statistics/quantile.js'
import type { ClientTable } from './client-table.js'
import { dayOf } from './client-table.js'
import { crowdElasticity } from './crowd-rhythm.js'
import { highestHonestPeak, type Peak } from './runaways.js'

/** Which measure of an hour's row is looked at, and how far apart from the crowd a runaway stands. */
export interface Measure {
  readonly values: ArrayLike<number>
  readonly reach: number
}

/** Times its own usual day that a client may have at its busiest and still be itself. */
const OWN_REACH = 5
const LEAST_ELASTICITY = 0.4
const FEWEST_DAYS = 3

/**
 * Which clients live like the crowd: active on at least half of the days since
 * they came (three at the least), and busier when the
 * crowd is. A shared address does, however many stand behind it; a flood comes once, a scraper keeps its own hours
 * or none.
 *
 * @returns by place in table.clients, 1 or 0
 */
export function trustedClients(table: ClientTable, crowd: (hour: number) => number): Uint8Array {
  const { rows, order, starts, days } = table
  const present = (from: number) => days.filter((day) => day >= from).length
  return Uint8Array.from(table.clients, (_, i) => {
    const own = order.subarray(starts[i], starts[i + 1])
    const hours = Array.from(own, (row) => rows.hour[row]!)
    const fewest = Math.max(FEWEST_DAYS, present(dayOf(hours[0]!)) / 2)
    if (new Set(hours.map(dayOf)).size < fewest) return 0
    const requests = Array.from(own, (row) => rows.requests[row]!)
    return crowdElasticity(hours, requests, crowd) >= LEAST_ELASTICITY ? 1 : 0
  })
}

/**
 * Which rows belong to clients that behave. A client that stands out loses all its rows; one that is trusted only
 * those in which it stands out, beyond five times its own usual day.
 *
 * @param honest by row of `table.rows`, 1 for those to be looked at; runaway rows are set to 0
 * @returns the highest value that behaves; 0 without rows
 */
export function dropRunaways(
  table: ClientTable,
  measure: Measure,
  trusted: Uint8Array,
  honest: Uint8Array,
): number {
  const own = Array.from(table.clients, (_, i) =>
    table.order.subarray(table.starts[i], table.starts[i + 1]).filter((row) => honest[row] === 1),
  )
  const peaks = own.flatMap((rows, i) => peaksOf(table, rows, measure.values, trusted[i] === 1))
  const ceiling = highestHonestPeak(peaks, measure.reach)
  for (const [i, rows] of own.entries()) {
    const above = rows.filter((row) => measure.values[row]! > ceiling)
    if (above.length > 0) for (const row of trusted[i] === 1 ? above : rows) honest[row] = 0
  }
  return ceiling
}

/** A client's highest value; of a trusted one the highest that is like itself, and beside it what is not. */
function peaksOf(table: ClientTable, own: Uint32Array, values: ArrayLike<number>, trusted: boolean): Peak[] {
  if (own.length === 0) return []
  const highest = (rows: Uint32Array) => rows.reduce((most, row) => Math.max(most, values[row]!), 0)
  if (!trusted) return [{ value: highest(own), trusted }]
  const byDay = new Map<number, number>()
  for (const row of own) {
    const day = dayOf(table.rows.hour[row]!)
    byDay.set(day, Math.max(byDay.get(day) ?? 0, values[row]!))
  }
  const usual = quantileSorted(Float64Array.from(byDay.values()).sort(), 0.5)
  const like = own.filter((row) => values[row]! <= OWN_REACH * usual)
  const peak = { value: highest(like), trusted: true }
  return like.length === own.length ? [peak] : [peak, { value: highest(own), trusted: false }]
}
