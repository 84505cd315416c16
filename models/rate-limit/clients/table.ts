import type { ClientHours } from './activity.js'
import { inRanges, mergeRanges, type MinuteRange } from '../minute-ranges.js'

const MINUTES_PER_HOUR = 60
export const HOURS_PER_DAY = 24

/** Rows of client and hour, grouped by client and in order of time within each. */
export interface ClientTable {
  readonly rows: ClientHours
  /** Clients with rows; their number is theirs in `rows`. */
  readonly clients: Uint32Array
  /** The rows of clients[i] are order[starts[i]] … order[starts[i + 1] − 1]. */
  readonly starts: Uint32Array
  readonly order: Uint32Array
  /** Whole days since 1970 with any row, ascending. */
  readonly days: readonly number[]
}

/** Groups the rows of client and hour; hours with an excluded minute are left out. O(n log n) in rows. */
export function groupByClient(rows: ClientHours, excluded: readonly MinuteRange[]): ClientTable {
  const excludedHours = hoursOf(excluded)
  const kept: number[] = []
  for (let row = 0; row < rows.length; row++) if (!inRanges(excludedHours, rows.hour[row]!)) kept.push(row)
  const order = Uint32Array.from(kept).sort(
    (a, b) => rows.client[a]! - rows.client[b]! || rows.hour[a]! - rows.hour[b]!,
  )
  const clients: number[] = []
  const starts: number[] = []
  for (let i = 0; i < order.length; i++) {
    const client = rows.client[order[i]!]!
    if (clients.at(-1) === client) continue
    clients.push(client)
    starts.push(i)
  }
  starts.push(order.length)
  return {
    rows,
    clients: Uint32Array.from(clients),
    starts: Uint32Array.from(starts),
    order,
    days: [...new Set(Array.from(order, (row) => dayOf(rows.hour[row]!)))].sort((a, b) => a - b),
  }
}

/** The rows of a client, in order of time. @param place in table.clients */
export function rowsOfClient({ order, starts }: ClientTable, place: number): Uint32Array {
  return order.subarray(starts[place], starts[place + 1])
}

/** Requests of the rows that count. @param counts by row of the table, 1 or 0 */
export function requestsOf({ rows, order }: ClientTable, counts: Uint8Array): number {
  return order.reduce((sum, row) => sum + (counts[row] === 1 ? rows.requests[row]! : 0), 0)
}

/**
 * The requests of the day of each row: by row of the table, the sum over the rows of the same client and day.
 * @param rows which of the table's rows count, grouped by client and in order of time
 */
export function dayTotals({ rows }: ClientTable, which: ArrayLike<number>): Float64Array {
  const totals = new Float64Array(rows.length)
  for (let first = 0, next = 0; first < which.length; first = next) {
    const row = which[first]!
    let sum = 0
    for (next = first; next < which.length && isSameDay(rows, row, which[next]!); next++)
      sum += rows.requests[which[next]!]!
    for (let i = first; i < next; i++) totals[which[i]!] = sum
  }
  return totals
}

function isSameDay({ client, hour }: ClientHours, a: number, b: number): boolean {
  return client[a] === client[b] && dayOf(hour[a]!) === dayOf(hour[b]!)
}

/** The day since 1970 of an hour since 1970. */
export function dayOf(hour: number): number {
  return Math.floor(hour / HOURS_PER_DAY)
}

/** The hours that contain any of the minutes. */
function hoursOf(excluded: readonly MinuteRange[]): MinuteRange[] {
  return mergeRanges(
    excluded.map(({ from, to }) => ({
      from: Math.floor(from / MINUTES_PER_HOUR),
      to: Math.ceil(to / MINUTES_PER_HOUR),
    })),
  )
}
