import type { Sql } from 'postgres'
import { MINUTE_MS } from '../../../models/traffic/durations.js'
import type { TrafficTable } from '../table.js'
import { joinRanges, type TimeRange } from './times.js'

/** The ranges of whole minutes with requests of a candidate, before a time. */
export function rangesBefore({ minutes }: { readonly minutes: readonly number[] }, until: Date): TimeRange[] {
  const ranges: TimeRange[] = []
  for (let i = 0; i < minutes.length; i += 2) {
    const [from, to] = [minutes[i]! * MINUTE_MS, (minutes[i + 1]! + 1) * MINUTE_MS]
    if (from < until.getTime())
      ranges.push({ from: new Date(from), to: new Date(Math.min(to, until.getTime())) })
  }
  return ranges
}

/** Ranges to be rolled up again, as endpoints have other names there. */
export async function recordRenamed(
  sql: Sql,
  table: TrafficTable,
  ranges: readonly TimeRange[],
): Promise<void> {
  if (ranges.length === 0) return
  await sql`
    insert into aegis_ml_rollup_renamed (traffic_table, from_time, to_time)
    select ${table}, * from unnest(${ranges.map(({ from }) => from.toISOString())}::timestamptz[],
      ${ranges.map(({ to }) => to.toISOString())}::timestamptz[])`
}

/** The ranges that are left, the newest first, apart from each other. */
export async function takeRenamed(sql: Sql, table: TrafficTable): Promise<TimeRange[]> {
  const rows = await sql<TimeRange[]>`
    delete from aegis_ml_rollup_renamed where traffic_table = ${table} returning from_time as from, to_time as to`
  return joinRanges(rows).reverse()
}

/** Whether anything is left to be rolled up again. */
export async function hasRenamed(sql: Sql, table: TrafficTable): Promise<boolean> {
  return (await sql`select from aegis_ml_rollup_renamed where traffic_table = ${table} limit 1`).length > 0
}
