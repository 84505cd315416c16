import type { ReservedSql, Sql, TransactionSql } from 'postgres'
import type { TrafficTable } from '../table.js'
import { floorTo, joinRanges, type TimeRange } from './times.js'
import { MINUTE_MS } from '../../../models/traffic/durations.js'

/**
 * Called by the service's own writers inside the transaction that writes rows: the range is rolled up anew,
 * however old it is. Both ends are included.
 */
export async function recordTouchedRange(
  tx: TransactionSql | ReservedSql | Sql,
  table: TrafficTable,
  { from, to }: TimeRange,
): Promise<void> {
  await tx`
    insert into aegis_ml_touched_ranges (traffic_table, from_time, to_time) values (${table}, ${from}, ${to})`
}

/**
 * As recordTouchedRange, but it replaces equal ranges: otherwise a writer that writes every second would add one each
 * second until the next update. Every update that does not see the rows yet will see the new range, so nothing is lost
 * with the old ones.
 */
export async function refreshTouchedRange(
  tx: TransactionSql | ReservedSql | Sql,
  table: TrafficTable,
  range: TimeRange,
): Promise<void> {
  await tx`
    delete from aegis_ml_touched_ranges where id in (
      select id from aegis_ml_touched_ranges
      where traffic_table = ${table} and from_time = ${range.from} and to_time = ${range.to}
      for update skip locked
    )`
  await recordTouchedRange(tx, table, range)
}

export interface TouchedRanges {
  /** Whole minutes, in order, apart from each other. */
  readonly minutes: TimeRange[]
  /** Ranges recorded after this one are not among them. */
  readonly ids: string[]
}

/** The number of ranges read by an update; the next update reads the others. */
const MAX_RANGES = 10_000

export async function pendingTouchedRanges(sql: Sql, table: TrafficTable): Promise<TouchedRanges> {
  const rows = await sql<{ id: string; from_time: Date; to_time: Date }[]>`
    select id::text, from_time, to_time from aegis_ml_touched_ranges
    where traffic_table = ${table} limit ${MAX_RANGES}`
  const minutes = rows.map(({ from_time, to_time }) => ({
    from: floorTo(MINUTE_MS, from_time),
    to: new Date(floorTo(MINUTE_MS, to_time).getTime() + MINUTE_MS),
  }))
  return { minutes: joinRanges(minutes), ids: rows.map(({ id }) => id) }
}

export async function forgetTouchedRanges(sql: Sql, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await sql`delete from aegis_ml_touched_ranges where id = any(${ids as string[]}::bigint[])`
}
