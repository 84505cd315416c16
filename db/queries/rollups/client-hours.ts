import type { TransactionSql } from 'postgres'
import type { TrafficTable } from '../traffic.js'
import type { TimeRange } from './times.js'

/** Clients of an endpoint's hour that have a row of their own. */
export const MAX_CLIENTS = 100

/**
 * Replaces the hours of the range, which begins with one, by what rollup_requests holds. Requests are counted by
 * second, seconds gathered into minutes and minutes into hours; the key is client, endpoint (12 bits), hour of the
 * chunk (8 bits), minute and second (6 bits each), so that each step drops six bits. Sorted, not hashed: packed
 * keys of this kind collide in PostgreSQL's hash of a bigint.
 */
export async function replaceClientHours(
  tx: TransactionSql,
  table: TrafficTable,
  { from, to }: TimeRange,
): Promise<void> {
  await tx`
    delete from aegis_ml_rollup_client_hours
    where traffic_table = ${table} and hour >= ${from} and hour < ${to}`
  await tx`set local enable_hashagg = off`
  await tx`
    insert into aegis_ml_rollup_client_hours
    with seconds as (
      select (client::bigint << 32) + (endpoint::bigint << 20) + (second / 3600 << 12)
        + (second / 60 % 60 << 6) + second % 60 as key, count(*) as requests
      from rollup_requests where client is not null group by 1
    ), minutes as (
      select key >> 6 as key, sum(requests)::bigint as requests, max(requests) as second
      from seconds group by 1
    ), hours as (
      select key >> 6 as key, sum(requests)::bigint as requests, max(requests) as minute, max(second) as second
      from minutes group by 1
    ), ranked as (
      select (key & 1048575)::int as key, client, requests, minute, second,
        row_number() over (partition by (key & 1048575)::int order by requests desc, client) as place
      from hours join rollup_clients on id = (key >> 20)::int
    )
    select ${table}, ${from}::timestamptz + (key & 255) * interval '1 hour', key >> 8,
      case when place <= ${MAX_CLIENTS} then place else 0 end as place,
      case when min(place) <= ${MAX_CLIENTS} then min(client) end,
      count(*), sum(requests), max(minute), max(second)
    from ranked group by key, 4`
  await tx`set local enable_hashagg = on`
}
