import type { Sql } from 'postgres'
import { OTHER } from './endpoints.js'
import type { TimeRange } from './rollups/times.js'
import type { TrafficTable } from './table.js'
import { otherTable, tablesWithRows } from './tables-with-rows.js'

/** What a range of the traffic table cannot teach. */
export interface HistoryGaps {
  /** Minutes with requests of which no latency is known. */
  readonly minutesWithoutLatency: number
  readonly requests: number
  /** Those of endpoints beyond the ones that have names of their own. */
  readonly namelessRequests: number
  /** The latest request before the range; null where there is none, or where the range has some. */
  readonly newestBefore: Date | null
  /** The other traffic table, where it has rows and the range has none. */
  readonly otherWithRows: TrafficTable | null
}

/**
 * From the rollups, which are up to date.
 * @param trafficSql the database that has the rows
 */
export async function historyGaps(
  sql: Sql,
  table: TrafficTable,
  { from, to }: TimeRange,
  trafficSql: Sql = sql,
): Promise<HistoryGaps> {
  const inRange = sql`traffic_table = ${table} and minute >= ${from} and minute < ${to}`
  const [found] = await sql<[Omit<HistoryGaps, 'newestBefore' | 'otherWithRows'>]>`
    select count(*) filter (where latencies = 0)::float8 as "minutesWithoutLatency",
      coalesce(sum(requests), 0)::float8 as requests,
      (select coalesce(sum(requests), 0)::float8 from aegis_ml_rollup_endpoint_minutes join aegis_ml_rollup_endpoints using (traffic_table, endpoint)
        where ${inRange} and (endpoint = ${OTHER} or state = 'retired')) as "namelessRequests"
    from aegis_ml_rollup_minutes where ${inRange}`
  if (found.requests > 0) return { ...found, newestBefore: null, otherWithRows: null }
  const [newest] = await trafficSql<[{ time: Date | null }]>`
    select max("timestamp")::timestamptz as time from ${trafficSql(table)} where "timestamp" < ${from}::timestamptz`
  const other = otherTable(table)
  const otherWithRows = (await tablesWithRows(trafficSql)).includes(other) ? other : null
  return { ...found, newestBefore: newest.time, otherWithRows }
}
