import t from 'tap'
import { bucketRows, type BucketRow } from '../../../db/traffic/rollups.js'
import { DURATION_COLUMN, type TrafficTable } from '../../../db/traffic/table.js'
import { testDatabase } from '../../postgres.js'
import { insertTraffic, migrated, minutesAfterStart, oddTraffic, START, update } from './traffic-rows.js'

type Database = Awaited<ReturnType<typeof testDatabase>>['sql']

/** A bucket of 17 minutes crosses the hour, and a day ends before the traffic does. */
const SECONDS = [60, 300, 1020, 3600, 86_400]

const whole = { from: new Date('2026-03-01T00:00:00Z'), to: new Date('2026-03-03T00:00:00Z') }

async function read(
  sql: Database,
  table: TrafficTable,
  seconds: number,
  range = whole,
): Promise<BucketRow[]> {
  const rows: BucketRow[] = []
  for await (const page of bucketRows(sql, table, range, seconds)) rows.push(...page)
  return rows
}

/** The same from the rows themselves. */
function readRaw(sql: Database, table: TrafficTable, seconds: number, { from, to } = whole) {
  const duration = sql(DURATION_COLUMN[table])
  return sql<BucketRow[]>`
    select to_timestamp(floor(extract(epoch from timestamp) / ${seconds}::int) * ${seconds}::int) as time_bucket,
      count(*)::int as total_requests, count(*)::float8 / ${seconds}::int as requests_per_second,
      sum(latency)::float8 / nullif(count(latency), 0) as avg_latency_ms,
      percentile_cont(0.5) within group (order by latency) as p50_latency_ms,
      percentile_cont(0.95) within group (order by latency) as p95_latency_ms,
      percentile_cont(0.99) within group (order by latency) as p99_latency_ms,
      min(latency) as min_latency_ms, max(latency) as max_latency_ms,
      stddev_samp(latency)::float8 as stddev_latency_ms,
      (count(*) filter (where status_code between 200 and 299))::int as status_2xx,
      (count(*) filter (where status_code between 300 and 399))::int as status_3xx,
      (count(*) filter (where status_code between 400 and 499))::int as status_4xx,
      (count(*) filter (where status_code between 500 and 599))::int as status_5xx,
      (count(*) filter (where status_code >= 400))::int as error_count,
      count(*) filter (where status_code >= 400) / count(*)::float8 as error_rate,
      count(*) filter (where status_code between 400 and 499) / count(*)::float8 as client_error_rate,
      count(*) filter (where status_code between 500 and 599) / count(*)::float8 as server_error_rate,
      count(*) filter (where status_code between 200 and 399) / count(*)::float8 as success_rate,
      count(distinct ip_address)::int as unique_ips, count(distinct user_id)::int as unique_users
    from (select *, case when ${duration} >= 0 then ${duration} end as latency from ${sql(table)}) rows
    where timestamp >= ${from} and timestamp < ${to} group by 1 order by 1`
}

const isClose = (found: number | null, expected: number | null, error: number) =>
  found === expected || Math.abs(found! - expected!) <= error * Math.abs(expected!)

t.test('buckets are those of the rows: minutes exactly, percentiles of longer ones within 1 %', async (t) => {
  for (const table of ['request_logs', 'request_metrics'] as const) {
    const sql = await migrated((await testDatabase(t)).sql)
    await insertTraffic(sql, table, oddTraffic(4000, 1440, 21))
    await update(sql, { table, now: new Date('2026-03-02T12:00:00Z') })
    for (const seconds of SECONDS) {
      const found = await read(sql, table, seconds)
      const expected = await readRaw(sql, table, seconds)
      t.equal(found.length, expected.length)
      t.same(Object.keys(found[0]!), Object.keys(expected[0]!), 'columns in their order')
      const wrong = found.flatMap((row, i) =>
        Object.entries(row).filter(([column, value]) => {
          const wanted = expected[i]![column as keyof BucketRow]
          if (column === 'stddev_latency_ms') return !isClose(value as number, wanted as number, 1e-12)
          if (seconds > 60 && /^p\d\d_/.test(column)) return !isClose(value as number, wanted as number, 0.01)
          return Number(value) !== Number(wanted) || (value === null) !== (wanted === null)
        }),
      )
      t.same(wrong.slice(0, 5), [], `${table}, ${seconds} s`)
    }
  }
})

t.test('a range that cuts a bucket takes the minutes that are in it', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  await insertTraffic(sql, 'request_logs', oddTraffic(2000, 60, 22))
  await update(sql)
  const range = { from: minutesAfterStart(10), to: minutesAfterStart(21) }
  const found = await read(sql, 'request_logs', 3600, range)
  const [expected] = await readRaw(sql, 'request_logs', 3600, range)
  t.equal(found.length, 1)
  t.equal(found[0]!.total_requests, expected!.total_requests)
  t.equal(found[0]!.unique_ips, expected!.unique_ips)
})

t.test('distinct counts are unknown where rows are gone, the rest stays', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  await insertTraffic(sql, 'request_logs', oddTraffic(2000, 60, 23))
  await update(sql)
  const before = await read(sql, 'request_logs', 3600)
  await sql`delete from request_logs where timestamp < ${minutesAfterStart(5)}`
  const [first, second] = await read(sql, 'request_logs', 3600)
  t.same(first, { ...before[0], unique_ips: null, unique_users: null })
  t.same(second, before[1])
})

t.test('a reader that leaves early leaves nothing behind', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  await insertTraffic(sql, 'request_logs', oddTraffic(4000, 6000, 24))
  await update(sql, { now: minutesAfterStart(6000) })
  for (let i = 0; i < 12; i++) {
    for await (const rows of bucketRows(
      sql,
      'request_logs',
      { from: START, to: minutesAfterStart(6000) },
      60,
    )) {
      t.equal(rows.length, 1000)
      break
    }
  }
  t.same([...(await sql`select 1 as one`)], [{ one: 1 }])
})

t.test('a bucket that is no whole number of minutes is refused', async (t) => {
  const { sql } = await testDatabase(t)
  for (const seconds of [0, 30, 90, -60, NaN, 86_460]) {
    await t.rejects(read(sql, 'request_logs', seconds), RangeError)
  }
})
