import type { Sql } from 'postgres'
import type { TrafficTable } from '../table.js'

/** How far the rollups of a traffic table reach. */
export interface RollupState {
  /** Minutes before this are rolled up. */
  readonly rolledTo: Date
  /** Up to here the hours of clients are; within the present hour it lags behind. */
  readonly clientsTo: Date
}

/** Undefined when nothing is rolled up yet, and when somebody emptied the minutes to have them made anew. */
export async function readState(sql: Sql, table: TrafficTable): Promise<RollupState | undefined> {
  const [row] = await sql<{ rolledTo: Date; clientsTo: Date }[]>`
    select rolled_to as "rolledTo", clients_to as "clientsTo" from aegis_ml_rollup_state
    where traffic_table = ${table}
      and exists (select from aegis_ml_rollup_minutes where traffic_table = ${table})`
  return row
}

export async function writeState(sql: Sql, table: TrafficTable, state: RollupState): Promise<void> {
  await sql`
    insert into aegis_ml_rollup_state (traffic_table, rolled_to, clients_to)
    values (${table}, ${state.rolledTo}, ${state.clientsTo})
    on conflict (traffic_table)
    do update set rolled_to = excluded.rolled_to, clients_to = excluded.clients_to`
}
