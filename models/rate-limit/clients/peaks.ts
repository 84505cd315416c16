import { quantileSorted } from '../../statistics/quantile.js'
import { dayOf, rowsOfClient, type ClientTable } from './table.js'

/** What clients do at their busiest, over the rows that count. */
export interface ClientPeaks {
  /** Clients with such a row, the highest value of each, and the days with such rows of each. */
  readonly clients: readonly number[]
  readonly peaks: readonly number[]
  readonly activeDays: readonly number[]
  /** The value of every such row, and the requests of all of them. */
  readonly loads: readonly number[]
  readonly requests: number
  /** By day and client the highest value, for {@link dailyQuantiles}. */
  readonly byDay: ReadonlyMap<number, readonly number[]>
}

/** @param values by row, as `legitimate` */
export function clientPeaks(
  table: ClientTable,
  values: ArrayLike<number>,
  legitimate: Uint8Array,
): ClientPeaks {
  const clients: number[] = []
  const peaks: number[] = []
  const activeDays: number[] = []
  const loads: number[] = []
  const byDay = new Map<number, number[]>(table.days.map((day) => [day, []]))
  let requests = 0
  for (const [i, client] of table.clients.entries()) {
    const ofDay = new Map<number, number>()
    for (const row of rowsOfClient(table, i)) {
      if (legitimate[row] === 0) continue
      const day = dayOf(table.rows.hour[row]!)
      ofDay.set(day, Math.max(ofDay.get(day) ?? 0, values[row]!))
      loads.push(values[row]!)
      requests += table.rows.requests[row]!
    }
    if (ofDay.size === 0) continue
    clients.push(client)
    activeDays.push(ofDay.size)
    let peak = 0
    for (const [day, value] of ofDay) {
      byDay.get(day)!.push(value)
      peak = Math.max(peak, value)
    }
    peaks.push(peak)
  }
  return { clients, peaks, activeDays, loads, requests, byDay }
}

/** The p-quantile of the clients' peaks of each day with any, in order of the days. */
export function dailyQuantiles(table: ClientTable, { byDay }: ClientPeaks, p: number): Float64Array {
  const quantiles: number[] = []
  for (const day of table.days) {
    const peaks = byDay.get(day)!
    if (peaks.length > 0) quantiles.push(quantileSorted(Float64Array.from(peaks).sort(), p))
  }
  return Float64Array.from(quantiles)
}
