import { quantileSorted } from '../../statistics/quantile.js'
import { dayOf, type ClientTable } from './table.js'
import { burstiness, crowdElasticity, type ClientHour } from './crowd-rhythm.js'
import { highestHonestPeak, type Peak } from './runaways.js'

/** Which measure of an hour's row is looked at, and how far apart from the crowd a runaway stands. */
export interface Measure {
  readonly values: ArrayLike<number>
  readonly reach: number
}

/** Times its own usual day that a client may have at its busiest and still be itself. */
const OWN_REACH = 5
const LEAST_ELASTICITY = 0.4
const LEAST_BURSTINESS = 5
const FEWEST_DAYS = 3
const FEWEST_HOURS = 12

/**
 * Which clients live like the crowd: active on at least half of the days since they came (three at the least), for hours
 * on end, and busier when the crowd is; where the crowd comes round the clock alike, in bursts as people do. A shared
 * address does, however many stand behind it; a flood comes once, a scraper keeps its own pace.
 *
 * @param crowd {@link crowdRhythm}
 * @returns by place in table.clients, 1 or 0
 */
export function trustedClients(table: ClientTable, crowd: Float64Array): Uint8Array {
  return Uint8Array.from(table.clients, (_, i) => {
    const own = table.order.subarray(table.starts[i], table.starts[i + 1])
    if (!comesOften(table, own)) return 0
    const hours = hoursAmid(table, own)
    if (hours.length < FEWEST_HOURS) return 0
    const elasticity = crowdElasticity(hours, crowd)
    const alike = Number.isNaN(elasticity)
      ? burstiness(hours) >= LEAST_BURSTINESS
      : elasticity >= LEAST_ELASTICITY
    return alike ? 1 : 0
  })
}

/** Active on at least half of the days since it came, three at the least. */
export function comesOften({ rows, days }: ClientTable, own: Uint32Array): boolean {
  const active = new Set(Array.from(own, (row) => dayOf(rows.hour[row]!)))
  const since = days.length - days.findIndex((day) => active.has(day))
  return active.size >= Math.max(FEWEST_DAYS, since / 2)
}

/**
 * The hours with an active one before and after: the first and the last of a run are cut short by coming and going,
 * which follows the crowd even where the pace does not.
 */
function hoursAmid({ rows }: ClientTable, own: Uint32Array): ClientHour[] {
  const hours: ClientHour[] = []
  for (let i = 1; i < own.length - 1; i++) {
    const hour = rows.hour[own[i]!]!
    if (rows.hour[own[i - 1]!] !== hour - 1 || rows.hour[own[i + 1]!] !== hour + 1) continue
    hours.push({ hour, requests: rows.requests[own[i]!]!, busiestMinute: rows.busiestMinute[own[i]!]! })
  }
  return hours
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
