import type { Sql } from 'postgres'
import { LN_GAMMA, MIN_LATENCY_MS, ZERO_BUCKET } from '../../../models/statistics/latency-histogram.js'
import type { TrafficTable } from '../table.js'
import type { TimeRange } from './times.js'

// The keys of groups are packed into one integer, which sorts several times as fast as the columns do:
// minute of the chunk, endpoint (12 bits), bucket of the histogram (16 bits).

/** Replaces the minutes of the range, of the gateway and of each endpoint, by what rollup_requests holds. */
export async function replaceMinutes(sql: Sql, table: TrafficTable, { from, to }: TimeRange): Promise<void> {
  await sql`
    delete from aegis_ml_rollup_minutes
    where traffic_table = ${table} and minute >= ${from} and minute < ${to}`
  await sql`
    delete from aegis_ml_rollup_endpoint_minutes
    where traffic_table = ${table} and minute >= ${from} and minute < ${to}`
  await sql`
    insert into rollup_buckets
    select (second / 60 * 4096 + endpoint)::bigint * 65536 - ${ZERO_BUCKET}
      + case when latency < ${MIN_LATENCY_MS} then ${ZERO_BUCKET} else ceil(ln(latency) / ${LN_GAMMA}::float8)::int end,
      count(*)
    from rollup_requests where latency is not null group by 1`
  await insertEndpointMinutes(sql, table, from)
  await insertMinutes(sql, table, from)
}

/** Buckets in ascending order, as LatencyHistogram encodes them. */
const histogramOf = (sql: Sql) =>
  sql`string_agg(int2send((bucket + ${ZERO_BUCKET})::int2) || int4send(latencies::int), '' order by bucket)`

/** The variance of whole milliseconds is added up in integers, so that it does not depend on the order of rows. */
async function insertMinutes(sql: Sql, table: TrafficTable, from: Date): Promise<void> {
  await sql`
    insert into aegis_ml_rollup_minutes
    select ${table}, ${from}::timestamptz + minute * interval '1 minute', requests, latencies, sum, sxx, min, max,
      p[1], p[2], p[3], s2, s3, s4, s5, errors, ips, users, histogram
    from (
      select second / 60 as minute, count(*) as requests, count(latency) as latencies, sum(latency),
        var_pop(least(latency, 2147483647)::int) filter (where latency is not null)::float8
          * count(latency) as sxx, min(latency), max(latency),
        percentile_cont(array[0.5, 0.95, 0.99]) within group (order by latency) as p,
        count(*) filter (where status between 200 and 299) as s2,
        count(*) filter (where status between 300 and 399) as s3,
        count(*) filter (where status between 400 and 499) as s4,
        count(*) filter (where status between 500 and 599) as s5,
        count(*) filter (where status >= 400) as errors,
        count(distinct address_no) as ips, count(distinct user_no) as users
      from rollup_requests group by 1
    ) minutes left join (
      select minute, ${histogramOf(sql)} as histogram from (
        select key >> 28 as minute, key & 65535 as bucket, sum(latencies) as latencies
        from rollup_buckets group by 1, 2
      ) buckets group by 1
    ) histograms using (minute)`
}

async function insertEndpointMinutes(sql: Sql, table: TrafficTable, from: Date): Promise<void> {
  await sql`
    insert into aegis_ml_rollup_endpoint_minutes
    select ${table}, ${from}::timestamptz + (key >> 12) * interval '1 minute', key & 4095, requests, latencies,
      sum, p[1], p[2], p[3], s4, s5, errors, histogram
    from (
      select second / 60 * 4096 + endpoint as key, count(*) as requests, count(latency) as latencies,
        sum(latency), percentile_cont(array[0.5, 0.95, 0.99]) within group (order by latency) as p,
        count(*) filter (where status between 400 and 499) as s4,
        count(*) filter (where status between 500 and 599) as s5,
        count(*) filter (where status >= 400) as errors
      from rollup_requests group by 1
    ) minutes left join (
      select (key >> 16)::int as key, ${histogramOf(sql)} as histogram from (
        select key, key & 65535 as bucket, latencies from rollup_buckets
      ) buckets group by 1
    ) histograms using (key)`
}
