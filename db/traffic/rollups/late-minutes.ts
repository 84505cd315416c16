import type { Sql } from 'postgres'
import type { TrafficTable } from '../table.js'
import { inRange, timeOf } from '../times.js'
import { type TimeRange } from './times.js'
import { latencyOf } from './traffic-source.js'
import { MINUTE_MS } from '../../../models/traffic/durations.js'

/** What a minute's rows amount to. */
interface Minute {
  readonly minute: Date
  readonly requests: number
  readonly sum: number
  readonly errors: number
}

/**
 * The minutes of a range whose rows are no longer those that were rolled up, in order, each a range.
 * @param log has the rows
 */
export async function lateMinutes(
  sql: Sql,
  log: Sql,
  table: TrafficTable,
  range: TimeRange,
): Promise<TimeRange[]> {
  const found = await log<Minute[]>`
    select date_trunc('minute', ${timeOf(log)}) as minute, count(*)::float8 as requests,
      coalesce(sum(${latencyOf(log, table)}), 0)::float8 as sum,
      (count(*) filter (where status_code >= 400))::float8 as errors
    from ${log(table)} where ${inRange(log, range)} group by 1`
  const stored = await sql<Minute[]>`
    select minute, requests::float8, coalesce(latency_sum, 0)::float8 as sum, errors::float8
    from aegis_ml_rollup_minutes
    where traffic_table = ${table} and minute >= ${range.from} and minute < ${range.to}`
  const rolledUp = new Map(stored.map((each) => [each.minute.getTime(), each]))
  const late: number[] = []
  for (const each of found) {
    const timeMs = each.minute.getTime()
    if (!isSame(each, rolledUp.get(timeMs))) late.push(timeMs)
    rolledUp.delete(timeMs)
  }
  late.push(...rolledUp.keys()) // their rows are gone
  return late
    .sort((a, b) => a - b)
    .map((timeMs) => ({ from: new Date(timeMs), to: new Date(timeMs + MINUTE_MS) }))
}

function isSame(a: Minute, b: Minute | undefined): boolean {
  return a.requests === b?.requests && a.sum === b.sum && a.errors === b.errors
}
