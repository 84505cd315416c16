import type { Sql } from 'postgres'
import { MINUTE_MS } from '../../models/traffic/durations.js'
import { endpointName } from '../../models/traffic/endpoint-name.js'
import type { EndpointHistory } from '../../models/watch/history.js'
import { copiedMinutes, MINUTE_FIGURES, quoted, type CopiedMinute } from './rollups/copied-minutes.js'
import type { TimeRange } from './rollups/times.js'
import type { TrafficTable } from './table.js'

/** An endpoint that has requests in a range. */
export interface BusyEndpoint {
  /** Its number in the rollups. */
  readonly number: number
  /** Method and path template. */
  readonly endpoint: string
  /** The first request that is known, ms since 1970; it may lie before the range. */
  readonly firstSeenMs: number
}

/**
 * The endpoints with a name that have most requests in a range, the busiest first.
 * @param range whole minutes; to is not included
 * @param youngSince leaves out those that were seen before
 */
export async function busiestEndpoints(
  sql: Sql,
  table: TrafficTable,
  { from, to }: TimeRange,
  limit: number,
  youngSince?: Date,
): Promise<BusyEndpoint[]> {
  const ofYoung = youngSince
    ? sql`and endpoint in (select endpoint from aegis_ml_rollup_endpoints
        where traffic_table = ${table} and first_seen >= ${youngSince})`
    : sql``
  const rows = await sql<{ number: number; method: string; path: string; first: Date; seen: Date | null }[]>`
    select endpoint as number, method, path, first, first_seen as seen
    from (
      select endpoint, sum(requests) as requests, min(minute) as first from aegis_ml_rollup_endpoint_minutes
      where traffic_table = ${table} and minute >= ${from} and minute < ${to} and endpoint <> 0 ${ofYoung} group by 1
    ) busy join aegis_ml_rollup_endpoints named using (endpoint)
    where named.traffic_table = ${table} and state in ('named', 'declared')
    order by requests desc, endpoint limit ${limit}`
  return rows.map(({ number, method, path, first, seen }) => {
    // Minutes may be known from before it had its name.
    const firstSeenMs =
      seen && seen.getTime() < first.getTime() + MINUTE_MS ? seen.getTime() : first.getTime()
    return { number, endpoint: endpointName(method, path), firstSeenMs }
  })
}

/** Sorting millions of minutes in smaller pieces takes longer. */
const WORK_MEM = '64MB'

/**
 * The minutes of endpoints in a range, from the rollups, one endpoint after another: the server sorts them, so that one
 * is in memory at a time. Endpoints without a minute in the range are left out.
 *
 * @param range whole minutes; to is not included
 * @param signal ends the query
 */
export async function* endpointHistories(
  sql: Sql,
  table: TrafficTable,
  { from, to }: TimeRange,
  endpoints: readonly BusyEndpoint[],
  signal: AbortSignal,
): AsyncGenerator<EndpointHistory> {
  if (endpoints.length === 0) return
  const byNumber = new Map(endpoints.map((each) => [each.number, each]))
  const query = `select endpoint, ${MINUTE_FIGURES} from aegis_ml_rollup_endpoint_minutes
    where traffic_table = ${quoted(table)} and minute >= ${quoted(from.toISOString())} and minute < ${quoted(to.toISOString())}
      and endpoint = any (array[${endpoints.map(({ number }) => Math.trunc(number)).join()}])
    order by endpoint, minute`
  let columns = null as Columns | null
  for await (const rows of copiedMinutes(sql, query, signal, { work_mem: WORK_MEM })) {
    for (const row of rows) {
      if (columns?.number !== row.endpoint) {
        if (columns) yield columns.history(byNumber.get(columns.number)!)
        columns = new Columns(row.endpoint, (to.getTime() - from.getTime()) / MINUTE_MS)
      }
      columns.add(row)
    }
  }
  if (columns) yield columns.history(byNumber.get(columns.number)!)
}

const FIRST_ROWS = 256

/** The columns of an endpoint's history, which grow with its rows. */
class Columns {
  readonly number: number
  readonly #most: number
  #length = 0
  #values = Array.from({ length: 6 }, () => new Float64Array(FIRST_ROWS))

  /** @param most minutes of the range */
  constructor(number: number, most: number) {
    this.number = number
    this.#most = most
  }

  add({ timeMs, requests, failed, avgMs, p95Ms, p99Ms }: CopiedMinute): void {
    const row = this.#length++
    if (row === this.#values[0]!.length) this.#grow()
    const values = this.#values
    values[0]![row] = timeMs
    values[1]![row] = requests
    values[2]![row] = failed
    values[3]![row] = avgMs
    values[4]![row] = p95Ms
    values[5]![row] = p99Ms
  }

  #grow(): void {
    const length = Math.max(this.#length, Math.min(this.#most, 4 * this.#values[0]!.length))
    this.#values = this.#values.map((before) => {
      const after = new Float64Array(length)
      after.set(before)
      return after
    })
  }

  history({ endpoint, firstSeenMs }: BusyEndpoint): EndpointHistory {
    const [timesMs, requests, failed, avgMs, p95Ms, p99Ms] = this.#values.map((values) =>
      values.subarray(0, this.#length),
    ) as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array, Float64Array]
    return { endpoint, firstSeenMs, timesMs, requests, failed, avgMs, p95Ms, p99Ms }
  }
}
