import type { Sql } from 'postgres'
import type { TrafficTable } from '../table.js'
import { inRange, timeOf } from '../times.js'
import { type TimeRange } from './times.js'
import { latencyOf } from './traffic-source.js'
import { MINUTE_MS } from '../../../models/traffic/durations.js'

/** The minutes of a range whose rows are no longer those that were rolled up, in order, each a range. */
export async function lateMinutes(sql: Sql, table: TrafficTable, range: TimeRange): Promise<TimeRange[]> {
  const rows = await sql<{ minute: Date }[]>`
    select minute from (
      select date_trunc('minute', ${timeOf(sql)}) as minute, count(*) as requests,
        coalesce(sum(${latencyOf(sql, table)}), 0) as sum,
        count(*) filter (where status_code >= 400) as errors
      from ${sql(table)} where ${inRange(sql, range)} group by 1
    ) found full join (
      select minute, requests, coalesce(latency_sum, 0) as sum, errors
      from aegis_ml_rollup_minutes
      where traffic_table = ${table} and minute >= ${range.from} and minute < ${range.to}
    ) stored using (minute)
    where (found.requests, found.sum, found.errors) is distinct from (stored.requests, stored.sum, stored.errors)
    order by minute`
  return rows.map(({ minute }) => ({ from: minute, to: new Date(minute.getTime() + MINUTE_MS) }))
}
