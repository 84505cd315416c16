import type { Sql } from 'postgres'
import type { TrafficTable } from './table.js'
import { within } from './within.js'

const MAX_MS = 1_000

/** When the newest request came; null without any. A query that takes longer than a second ends with an error. */
export async function newestRequest(sql: Sql, table: TrafficTable): Promise<Date | null> {
  return within(sql, MAX_MS, async (tx) => {
    const [row] = await tx<[{ time: Date | null }]>`
      select max("timestamp")::timestamptz as time from ${tx(table)}`
    return row.time
  })
}
