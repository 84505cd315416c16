import type { Sql } from 'postgres'
import type { PathRules } from '../../../models/traffic/path-rules.js'
import type { TrafficTable } from '../table.js'

/**
 * Minutes before this time are rolled up. Undefined when nothing is rolled up yet, or when the table of minutes was
 * emptied so that it is filled again.
 */
export async function readRolledTo(sql: Sql, table: TrafficTable): Promise<Date | undefined> {
  const [row] = await sql<{ rolledTo: Date }[]>`
    select rolled_to as "rolledTo" from aegis_ml_rollup_state
    where traffic_table = ${table}
      and exists (select from aegis_ml_rollup_minutes where traffic_table = ${table})`
  return row?.rolledTo
}

/** @param rules what the rollups follow up to this time */
export async function writeRolledTo(
  sql: Sql,
  table: TrafficTable,
  rolledTo: Date,
  rules: PathRules,
): Promise<void> {
  const stored = sql.json(rules as never)
  await sql`
    insert into aegis_ml_rollup_state (traffic_table, rolled_to, rules) values (${table}, ${rolledTo}, ${stored})
    on conflict (traffic_table) do update set rolled_to = excluded.rolled_to, rules = excluded.rules`
}
