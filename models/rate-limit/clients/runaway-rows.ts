import { quantileSorted } from '../../statistics/quantile.js'
import { highestLegitimatePeak, type Peak } from './runaways.js'
import { dayOf, rowsOfClient, type ClientTable } from './table.js'

/** What is compared between clients, and up to how much more of it than the others a client may have. */
interface Measure {
  /** By row of the table. */
  readonly values: ArrayLike<number>
  /** A factor above 1; see {@link highestLegitimatePeak}. */
  readonly maxRatio: number
}

/** Up to so many times its own usual day a trusted client is like itself. */
const MAX_OWN_RATIO = 5

/**
 * Marks the rows of runaways. A client that stands apart from the others loses all its rows; a trusted one loses only
 * the rows that are above the others and above five times its own usual day.
 *
 * @param trusted by place in table.clients, 1 or 0; see trustedClients
 * @param legitimate by row of `table.rows`, 1 for those to be looked at; those of runaways are set to 0
 */
export function dropRunaways(
  table: ClientTable,
  { values, maxRatio }: Measure,
  trusted: Uint8Array,
  legitimate: Uint8Array,
): void {
  const rowsOf = Array.from(table.clients, (_, i) =>
    rowsOfClient(table, i).filter((row) => legitimate[row] === 1),
  )
  const peaks = rowsOf.flatMap((rows, i) => peaksOf(table, rows, values, trusted[i] === 1))
  const ceiling = highestLegitimatePeak(peaks, maxRatio)
  for (const [i, rows] of rowsOf.entries()) {
    const above = rows.filter((row) => values[row]! > ceiling)
    if (above.length > 0) for (const row of trusted[i] === 1 ? above : rows) legitimate[row] = 0
  }
}

/** A client's highest value; of a trusted client the highest that is like itself and, beside it, the highest that is not. */
function peaksOf(table: ClientTable, rows: Uint32Array, values: ArrayLike<number>, trusted: boolean): Peak[] {
  if (rows.length === 0) return []
  const highest = (some: Uint32Array) => some.reduce((most, row) => Math.max(most, values[row]!), 0)
  if (!trusted) return [{ value: highest(rows), trusted }]
  const maxOwn = MAX_OWN_RATIO * usualDay(table, rows, values)
  const like = rows.filter((row) => values[row]! <= maxOwn)
  const peak = { value: highest(like), trusted: true }
  return like.length === rows.length ? [peak] : [peak, { value: highest(rows), trusted: false }]
}

/** The median over the client's days of the highest value of each. */
export function usualDay(table: ClientTable, rows: Uint32Array, values: ArrayLike<number>): number {
  const byDay = new Map<number, number>()
  for (const row of rows) {
    const day = dayOf(table.rows.hour[row]!)
    byDay.set(day, Math.max(byDay.get(day) ?? 0, values[row]!))
  }
  return quantileSorted(Float64Array.from(byDay.values()).sort(), 0.5)
}
