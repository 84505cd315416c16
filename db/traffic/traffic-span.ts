import type { Sql } from 'postgres'
import { inRange, timeOf } from './times.js'
import type { TrafficTable } from './table.js'
import { within } from './within.js'

const MAX_MS = 10_000

/**
 * The oldest and the newest request of a range; null without any. A query that takes longer than ten seconds ends with
 * an error.
 */
export async function trafficSpan(
  sql: Sql,
  table: TrafficTable,
  range: { readonly from: Date; readonly to: Date },
): Promise<{ readonly oldest: Date; readonly newest: Date } | null> {
  return within(sql, MAX_MS, async (tx) => {
    const [row] = await tx<[{ oldest: Date | null; newest: Date | null }]>`
      select min(${timeOf(tx)}) as oldest, max(${timeOf(tx)}) as newest from ${tx(table)}
      where ${inRange(tx, range)}`
    const { oldest, newest } = row
    return oldest && newest && { oldest, newest }
  })
}
