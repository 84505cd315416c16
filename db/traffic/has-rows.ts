import type { Sql } from 'postgres'
import type { TrafficTable } from './table.js'

/** Whether the traffic table has rows. One that cannot be read counts as having some: its reader says what is wrong. */
export async function hasRows(sql: Sql, table: TrafficTable): Promise<boolean> {
  try {
    const [row] = await sql<[{ has: boolean }]>`select exists (select from ${sql(table)}) as has`
    return row.has
  } catch {
    return true
  }
}
