import type { Sql } from 'postgres'
import type { TrafficTable } from '../table.js'
import type { TimeRange } from './times.js'

/** Removes the rollups of a range; the traffic table keeps its rows. */
export async function dropRollups(sql: Sql, table: TrafficTable, { from, to }: TimeRange): Promise<void> {
  await sql`
    delete from aegis_ml_rollup_minutes
    where traffic_table = ${table} and minute >= ${from} and minute < ${to}`
  await sql`
    delete from aegis_ml_rollup_endpoint_minutes
    where traffic_table = ${table} and minute >= ${from} and minute < ${to}`
}
