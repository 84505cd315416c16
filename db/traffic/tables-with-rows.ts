import type { Sql } from 'postgres'
import { isTableUnusable } from '../errors.js'
import { TRAFFIC_TABLES, type TrafficTable } from './table.js'

/** How long it waits for a lock of another session: the table is then as it was. */
const LOCK_TIMEOUT = '1s'

/** The traffic tables that have rows. One that is not there, or that may not be read, has none. */
export async function tablesWithRows(sql: Sql): Promise<TrafficTable[]> {
  const found = await Promise.all(TRAFFIC_TABLES.map((table) => hasRows(sql, table)))
  return TRAFFIC_TABLES.filter((_, index) => found[index])
}

/** The table that is meant by `auto`: the one that has rows; request_logs where both have some, or neither has. */
export function tableOfAuto(withRows: readonly TrafficTable[]): TrafficTable {
  return withRows.length === 1 ? withRows[0]! : 'request_logs'
}

export const otherTable = (table: TrafficTable): TrafficTable =>
  table === 'request_logs' ? 'request_metrics' : 'request_logs'

async function hasRows(sql: Sql, table: TrafficTable): Promise<boolean> {
  try {
    return await sql.begin(async (tx) => {
      await tx`select set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`
      const [row] = await tx<[{ found: boolean }]>`select exists (select from ${tx(table)}) as found`
      return row.found
    })
  } catch (error) {
    if (isTableUnusable(error)) return false
    throw error
  }
}
