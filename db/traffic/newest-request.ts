import type { Sql } from 'postgres'
import type { TrafficTable } from './table.js'

const MAX_MS = 1_000

/** When the newest request came; null without any. A query that takes longer than a second ends with an error. */
export async function newestRequest(sql: Sql, table: TrafficTable): Promise<Date | null> {
  return sql.begin('read only', async (tx) => {
    await tx`select set_config('statement_timeout', ${String(MAX_MS)}, true)`
    const [row] = await tx<[{ time: Date | null }]>`
      select max("timestamp")::timestamptz as time from ${tx(table)}`
    return row.time
  })
}
