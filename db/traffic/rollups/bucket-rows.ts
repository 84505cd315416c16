import type { Row, Sql } from 'postgres'
import { LatencyHistogram } from '../../../models/statistics/latency-histogram.js'
import { openOwnConnection } from '../../own-connection.js'
import { ADDRESS, type TrafficTable } from '../table.js'
import { inRange, timeOf } from '../times.js'
import { earlier, later, type TimeRange } from './times.js'
import { DAY_MS, MINUTE_MS } from '../../../models/traffic/durations.js'

/** A bucket of an export, with its columns in their order. Latencies are in ms. */
export interface BucketRow {
  time_bucket: Date
  total_requests: number
  requests_per_second: number
  avg_latency_ms: number | null
  p50_latency_ms: number | null
  p95_latency_ms: number | null
  p99_latency_ms: number | null
  min_latency_ms: number | null
  max_latency_ms: number | null
  stddev_latency_ms: number | null
  status_2xx: number
  status_3xx: number
  status_4xx: number
  status_5xx: number
  error_count: number
  error_rate: number
  client_error_rate: number
  server_error_rate: number
  success_rate: number
  unique_ips: number | null
  unique_users: number | null
}

/** A bucket as it is read: percentiles of a single minute, or the histograms of several. */
interface StoredBucket {
  bucket: Date
  requests: number
  latencies: number
  sum: number | null
  sxx: number | null
  min: number | null
  max: number | null
  p50: number | null
  p95: number | null
  p99: number | null
  s2: number
  s3: number
  s4: number
  s5: number
  errors: number
  histograms: Buffer | null
  ips: number | null
  users: number | null
}

/** The numbers of minutes and buckets in memory at a time. */
const MAX_MINUTES = 5_000
const MAX_BUCKETS = 1_000

/** How long it waits for a lock of another session on the traffic table. */
const LOCK_TIMEOUT = '10s'

/** See bucketRows in db/traffic/rollups.ts. */
export async function* readBuckets(
  sql: Sql,
  table: TrafficTable,
  range: TimeRange,
  bucketSeconds: number,
  trafficSql: Sql,
): AsyncGenerator<BucketRow[]> {
  if (!(Number.isInteger(bucketSeconds / 60) && bucketSeconds >= 60 && bucketSeconds * 1000 <= DAY_MS)) {
    throw new RangeError(`A bucket is a whole number of minutes, a day at most, not ${bucketSeconds} s.`)
  }
  const minutes = (bucketSeconds * 1000) / MINUTE_MS
  const page = Math.min(MAX_BUCKETS, Math.ceil(MAX_MINUTES / minutes))
  const connection = openOwnConnection(sql, { lock_timeout: LOCK_TIMEOUT })
  const log = trafficSql === sql ? connection : openOwnConnection(trafficSql, { lock_timeout: LOCK_TIMEOUT })
  try {
    const { sql } = connection
    await sql`begin read only`
    const query =
      minutes === 1 ? minuteQuery(sql, table, range) : bucketQuery(sql, table, range, bucketSeconds)
    await sql`declare buckets no scroll cursor for ${query}`
    for (;;) {
      const rows = await sql.unsafe<StoredBucket[]>(`fetch ${page} from buckets`)
      if (minutes > 1) await countDistinct(log.sql, table, rows, range, bucketSeconds)
      if (rows.length > 0)
        yield rows.map((row) => toBucketRow(row, secondsInRange(row.bucket, range, bucketSeconds)))
      if (rows.length < page) return
    }
  } finally {
    await connection.close()
    if (log !== connection) await log.close()
  }
}

const minuteQuery = (sql: Sql, table: TrafficTable, { from, to }: TimeRange) => sql`
  select minute as bucket, requests::float8, latencies::float8, latency_sum as sum, latency_sxx as sxx,
    latency_min as min, latency_max as max, latency_p50 as p50, latency_p95 as p95, latency_p99 as p99,
    status_2xx::float8 as s2, status_3xx::float8 as s3, status_4xx::float8 as s4, status_5xx::float8 as s5,
    errors::float8, null::bytea as histograms, unique_ips::float8 as ips, unique_users::float8 as users
  from aegis_ml_rollup_minutes
  where traffic_table = ${table} and minute >= ${from} and minute < ${to} order by minute`

/** Squared deviations are merged by Chan, Golub and LeVeque (1979): those within the minutes and those of their means. */
const bucketQuery = (sql: Sql, table: TrafficTable, range: TimeRange, seconds: number) => sql`
    select bucket, sum(requests)::float8 as requests, sum(latencies)::float8 as latencies, sum(latency_sum) as sum,
      sum(latency_sxx + latencies * (latency_sum / nullif(latencies, 0) - mean) ^ 2) as sxx,
      min(latency_min), max(latency_max), null::float8 as p50, null::float8 as p95, null::float8 as p99,
      sum(status_2xx)::float8 as s2, sum(status_3xx)::float8 as s3, sum(status_4xx)::float8 as s4,
      sum(status_5xx)::float8 as s5, sum(errors)::float8 as errors, string_agg(histogram, '') as histograms,
      null::float8 as ips, null::float8 as users
    from (
      select *, sum(latency_sum) over (partition by bucket)
        / nullif(sum(latencies) over (partition by bucket), 0)::float8 as mean
      from (
        select *, ${bucketOf(sql, sql<Row[]>`minute`, seconds)} as bucket from aegis_ml_rollup_minutes
        where traffic_table = ${table} and minute >= ${range.from} and minute < ${range.to}
      ) minutes
    ) minutes group by bucket order by bucket`

const bucketOf = (sql: Sql, time: ReturnType<typeof timeOf>, seconds: number) =>
  sql`to_timestamp(floor(date_part('epoch', ${time}) / ${seconds}::float8) * ${seconds}::float8)`

/** Distinct counts of longer buckets come from the rows, unless some of a bucket's rows are gone. */
async function countDistinct(
  log: Sql,
  table: TrafficTable,
  buckets: StoredBucket[],
  range: TimeRange,
  seconds: number,
): Promise<void> {
  const [first, last] = [buckets[0], buckets.at(-1)]
  if (first === undefined || last === undefined) return
  const end = new Date(last.bucket.getTime() + seconds * 1000)
  const rows = inRange(log, { from: later(first.bucket, range.from), to: earlier(end, range.to) })
  const counted = await log<{ bucket: Date; rows: number; ips: number; users: number }[]>`
    select ${bucketOf(log, timeOf(log), seconds)} as bucket, count(*)::float8 as rows,
      count(distinct ${log.unsafe(ADDRESS)})::float8 as ips, count(distinct user_id)::float8 as users
    from ${log(table)} where ${rows} group by 1`
  const byTime = new Map(counted.map((each) => [each.bucket.getTime(), each]))
  for (const bucket of buckets) {
    const found = byTime.get(bucket.bucket.getTime())
    if (found === undefined || found.rows < bucket.requests) continue
    bucket.ips = found.ips
    bucket.users = found.users
  }
}

/** How many seconds of a bucket are in the range: the first and the last may be cut. */
function secondsInRange(bucket: Date, { from, to }: TimeRange, bucketSeconds: number): number {
  const endMs = Math.min(bucket.getTime() + bucketSeconds * 1000, to.getTime())
  return (endMs - Math.max(bucket.getTime(), from.getTime())) / 1000
}

/** @param seconds of the bucket in the range */
function toBucketRow(row: StoredBucket, seconds: number): BucketRow {
  const { requests, latencies, errors, s2, s3, s4, s5 } = row
  const histogram = row.histograms && LatencyHistogram.decode(row.histograms)
  const quantile = (p: number) => (histogram ? histogram.quantile(p) : null)
  return {
    time_bucket: row.bucket,
    total_requests: requests,
    requests_per_second: requests / seconds,
    avg_latency_ms: row.sum === null ? null : row.sum / latencies,
    p50_latency_ms: row.p50 ?? quantile(0.5),
    p95_latency_ms: row.p95 ?? quantile(0.95),
    p99_latency_ms: row.p99 ?? quantile(0.99),
    min_latency_ms: row.min,
    max_latency_ms: row.max,
    stddev_latency_ms: row.sxx === null || latencies < 2 ? null : Math.sqrt(row.sxx / (latencies - 1)),
    status_2xx: s2,
    status_3xx: s3,
    status_4xx: s4,
    status_5xx: s5,
    error_count: errors,
    error_rate: errors / requests,
    client_error_rate: s4 / requests,
    server_error_rate: s5 / requests,
    success_rate: (s2 + s3) / requests,
    unique_ips: row.ips,
    unique_users: row.users,
  }
}
