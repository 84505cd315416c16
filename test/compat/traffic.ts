import type { Sql } from 'postgres'

export type GatewayTable = 'request_logs' | 'request_metrics'

/** The requests that the gateway has written: one each three seconds, up to the last full minute. */
export const WRITTEN = 3_000

export interface Written {
  readonly table: GatewayTable
  /** The column has no time zone; the gateway writes UTC into it. */
  readonly withoutTimeZone?: boolean
}

/** Writes requests as the gateway's collector does: all columns that it knows, in three endpoints. */
export async function writeTraffic(sql: Sql, { table, withoutTimeZone = false }: Written): Promise<void> {
  const at = sql`date_trunc('minute', now()) - n * interval '3 seconds'`
  const time = withoutTimeZone ? sql`(${at}) at time zone 'UTC'` : at
  const method = sql`case n % 3 when 0 then 'POST' else 'GET' end`
  const path = sql`case n % 3 when 0 then '/api/orders' when 1 then '/api/items/' || n else '/auth/login' end`
  const status = sql`case when n % 50 = 0 then 500 else 200 end`
  if (table === 'request_logs') {
    await sql`
      insert into request_logs (timestamp, method, path, status_code, response_time_ms, user_id, ip_address,
        user_agent, backend_name, request_id, error_message)
      select ${time}, ${method}, ${path}, ${status}, 20 + n % 40, 'user-' || n % 40, '203.0.113.7', 'test', 'api',
        gen_random_uuid(), null
      from generate_series(1, ${WRITTEN}::int) n`
  } else {
    await sql`
      insert into request_metrics (timestamp, request_id, path, method, status_code, duration_ms, user_id, ip_address,
        user_agent, backend, bytes_in, bytes_out, error, rate_limited, cached, tier)
      select ${time}, gen_random_uuid()::text, ${path}, ${method}, ${status}, 20 + n % 40, 'user-' || n % 40,
        '203.0.113.7', 'test', 'api', 100, 2000, null, false, false, 'default'
      from generate_series(1, ${WRITTEN}::int) n`
  }
}
