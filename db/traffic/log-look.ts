import type { Sql } from 'postgres'
import { MINUTE_MS } from '../../models/traffic/durations.js'
import type { TrafficTable } from './table.js'
import { within } from './within.js'

/** Rows from further ahead come from a wrong clock. */
const MAX_AHEAD_MS = MINUTE_MS
const MAX_MS = 2_000

/**
 * The newest row of the log, and the oldest one that is newer than a time; null without such a row. Ms since 1970. Both come
 * from the index. A query that takes longer than two seconds ends with an error.
 */
export async function lookAtLog(
  sql: Sql,
  table: TrafficTable,
  { nowMs, afterMs }: { readonly nowMs: number; readonly afterMs: number | null },
): Promise<{ readonly newestMs: number | null; readonly oldestNewMs: number | null }> {
  const until = new Date(nowMs + MAX_AHEAD_MS)
  return within(sql, MAX_MS, async (tx) => {
    const [row] = await tx<[{ newest: Date | null; oldest: Date | null }]>`
      select
        (select max("timestamp")::timestamptz from ${tx(table)} where "timestamp" <= ${until}::timestamptz) as newest,
        (select min("timestamp")::timestamptz from ${tx(table)} where "timestamp" > ${new Date(
          afterMs ?? nowMs + MAX_AHEAD_MS,
        )}::timestamptz and "timestamp" <= ${until}::timestamptz) as oldest`
    return { newestMs: row.newest?.getTime() ?? null, oldestNewMs: row.oldest?.getTime() ?? null }
  })
}
