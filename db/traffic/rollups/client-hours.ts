import type { Sql } from 'postgres'
import type { TrafficTable } from '../table.js'
import type { TimeRange } from './times.js'

/** Clients of an endpoint's hour that have a row of their own, unless the next one is just as busy. */
export const MAX_CLIENTS = 100

/**
 * Replaces the hours of the range, which begins with one, by what rollup_requests holds. Requests are counted by
 * second, seconds gathered into minutes and minutes into hours; the key is client, endpoint (12 bits), hour of the
 * chunk (8 bits), minute and second (6 bits each), so that each step drops six bits. Sorted, not hashed: packed
 * keys of this kind collide in PostgreSQL's hash of a bigint.
 */
export async function replaceClientHours(
  sql: Sql,
  table: TrafficTable,
  { from, to }: TimeRange,
): Promise<void> {
  await sql`
    delete from aegis_ml_rollup_client_hours
    where traffic_table = ${table} and hour >= ${from} and hour < ${to}`
  await sql`set local enable_hashagg = off`
  await sql`
    insert into aegis_ml_rollup_client_hours
    with seconds as (
      select (coalesce(user_no, address_no)::bigint << 32) + (endpoint::bigint << 20) + (second / 3600 << 12)
        + (second / 60 % 60 << 6) + second % 60 as key, count(*)::int as requests
      from rollup_requests where coalesce(user_no, address_no) is not null group by 1
    ), minutes as (
      select key >> 6 as key, sum(requests)::int as requests, max(requests) as second
      from seconds group by 1
    ), hours as (
      select key >> 6 as key, sum(requests)::int as requests, max(requests) as minute, max(second) as second
      from minutes group by 1
    ), ranked as (
      select (key >> 20)::int as client, (key & 1048575)::int as key, requests, minute, second,
        count(*) over (partition by (key & 1048575)::int order by requests desc) as as_busy
      from hours
    ), placed as (
      select name, ranked.key, row_number() over (partition by key order by requests desc, name) as place,
        1 as clients, requests, minute, second
      from ranked join rollup_names on no = client where as_busy <= ${MAX_CLIENTS}
      union all
      select null, key, 0, count(*), sum(requests), max(minute), max(second)
      from ranked where as_busy > ${MAX_CLIENTS} group by key
    )
    select ${table}, ${from}::timestamptz + (key & 255) * interval '1 hour', key >> 8, place, name, clients,
      requests, minute, second
    from placed`
  await sql`set local enable_hashagg = on`
}
