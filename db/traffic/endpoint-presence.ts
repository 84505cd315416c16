import type { Sql } from 'postgres'
import { OTHER } from './endpoints.js'
import type { TrafficTable } from './table.js'

interface Endpoint {
  /** Empty for all methods. */
  readonly method: string
  /** A path template. */
  readonly path: string
}

/** Whether the traffic table has rollups. */
export async function hasRollups(sql: Sql, table: TrafficTable): Promise<boolean> {
  const rows = await sql`select from aegis_ml_rollup_state where traffic_table = ${table}`
  return rows.length > 0
}

/**
 * Whether an endpoint may have requests in a range, by rollups that are up to date. Endpoints without a name of their
 * own are rolled up together, so the answer may be true without any. The range must not begin before the rollups.
 */
export async function mayHaveRequests(
  sql: Sql,
  table: TrafficTable,
  { method, path }: Endpoint,
  { from, to }: { readonly from: Date; readonly to: Date },
): Promise<boolean> {
  const [row] = await sql<{ found: boolean }[]>`
    select exists (
      select from aegis_ml_rollup_endpoint_minutes minutes
      where minutes.traffic_table = ${table} and minute >= ${from} and minute < ${to} and (
        endpoint = ${OTHER} or endpoint in (
          select named.endpoint from aegis_ml_rollup_endpoints named
          where named.traffic_table = ${table} and named.path = ${path} and (${method} = '' or named.method = ${method})
        )
      )
    ) as found`
  return row!.found
}
