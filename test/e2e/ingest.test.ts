import t from 'tap'
import { eventually } from '../eventually.js'
import { testService } from '../service.js'
import { DAY_MS, MINUTE_MS } from '../../models/traffic/durations.js'
import { ago, countOf, ingest, NOTHING, row } from './ingest-batch.js'

const TABLES = {
  request_logs: { duration: 'response_time_ms', backend: 'backend_name', error: 'error_message' },
  request_metrics: { duration: 'duration_ms', backend: 'backend', error: 'error' },
} as const

for (const [table, columns] of Object.entries(TABLES)) {
  t.test(`every field of a request is in ${table}, and what is left out is not`, async (t) => {
    const service = await testService(t, { TRAFFIC_TABLE: table })
    const { sql } = service
    const full = row({
      method: 'propfind-everything',
      path: '/a\tb\\.\n/ü?token=secret',
      status_code: 429,
      response_time_ms: 12.6,
      user_id: 'Zoë 😀 \ud800'.padEnd(128, '.'),
      ip_address: '::ffff:203.0.113.7',
      user_agent: '\\N',
      backend: 'b'.repeat(64),
      request_id: '7feea531-ae5f-451c-9683-b89d4a9a03ca',
      error: 'reset',
    })
    const answer = await ingest(service, 'first', [full, row({ path: '/x', timestamp: ago(2 * MINUTE_MS) })])
    t.match(answer, {
      status: 202,
      body: { success: true, data: { batch_id: 'first', accepted: 2, duplicate: false } },
    })
    t.notOk(answer.body.warnings)
    const [bare, stored] = await sql`select * from ${sql(table)} order by "timestamp"`
    t.match(stored, {
      timestamp: new Date(full['timestamp'] as string),
      method: 'PROPFIND-E',
      path: '/a\tb\\.\n/ü',
      status_code: 429,
      [columns.duration]: 13,
      user_id: 'Zoë 😀 \ufffd'.padEnd(128, '.'),
      ip_address: '203.0.113.7',
      user_agent: '\\N',
      [columns.backend]: 'b'.repeat(64),
      request_id: full['request_id'],
      [columns.error]: 'reset',
      ...(table === 'request_metrics' && { rate_limited: true }),
    })
    t.match(bare, { path: '/x', [columns.duration]: null, user_id: null, ip_address: null, request_id: null })
  })
}

t.test('a batch that comes again adds nothing, also when it comes twice at the same moment', async (t) => {
  const service = await testService(t)
  t.match((await ingest(service, 'a', [row(), row()])).body.data, { accepted: 2, duplicate: false })
  t.match(await ingest(service, 'a', [row(), row()]), { status: 202, body: { data: NOTHING } })
  const twins = await Promise.all(['b', 'b', 'b', 'c'].map((id) => ingest(service, id, [row()])))
  t.same(twins.map(({ status, body }) => [status, body.data['accepted']]).sort(), [
    [202, 0],
    [202, 0],
    [202, 1],
    [202, 1],
  ])
  t.equal(await countOf(service), 4)
})

t.test('a batch that failed leaves nothing, so that its repeat is stored', async (t) => {
  const service = await testService(t)
  const { sql } = service
  await sql`alter table request_logs add check (path <> '/refused')`
  const batch = [row(), row({ path: '/refused' })]
  t.match(await ingest(service, 'a', batch), {
    status: 409,
    body: {
      code: 'TRAFFIC_TABLE_UNUSABLE',
      message: /request_logs cannot take the requests: .*check constraint/,
    },
  })
  t.equal(await countOf(service), 0)
  t.same(await sql`select from aegis_ml_touched_ranges`, [])
  await sql`alter table request_logs drop constraint request_logs_path_check`
  t.match((await ingest(service, 'a', batch)).body.data, { accepted: 2, duplicate: false })
})

t.test('a batch whose connection is cut before its end is stored once, when it comes again', async (t) => {
  const service = await testService(t)
  const { sql } = service
  const holder = await sql.reserve()
  await holder`begin`
  await holder`lock table request_logs`
  const first = ingest(service, 'a', [row()])
  const waiting = () => sql<{ pid: number }[]>`
    select pid from pg_stat_activity where query like 'copy%' and wait_event_type = 'Lock' and datname = current_database()`
  const found = await eventually(async () => {
    const rows = await waiting()
    return rows.length > 0 && rows
  })
  const second = ingest(service, 'a', [row()])
  await sql`select pg_terminate_backend(${found[0]!.pid})`
  t.match(await first, { status: 503, body: { code: 'DATABASE_UNAVAILABLE' } })
  await holder`commit`
  holder.release()
  t.match((await second).body.data, { accepted: 1 })
  t.match((await ingest(service, 'a', [row()])).body.data, NOTHING)
  t.equal(await countOf(service), 1)
})

t.test('every address and the edges of every range are stored', async (t) => {
  const service = await testService(t)
  const addresses = [
    '10.0.0.1',
    '::',
    '::1',
    '2001:db8::1',
    'fe80::1%eth0',
    '1:2:3:4:5:6:7::',
    '::1.2.3.4',
    '::ffff:a00:1',
  ]
  const edges = [
    { timestamp: ago(-4.9 * MINUTE_MS), status_code: 100, response_time_ms: 0 },
    { timestamp: ago(89.9 * DAY_MS), status_code: 599, response_time_ms: 1e9 },
    { method: 'x'.repeat(32), path: '/' + 'ü😀'.repeat(682), user_agent: '😀'.repeat(1024) },
    {
      path: `/${Array.from({ length: 2047 }, (_, i) => String.fromCharCode(0x4e00 + ((i * 7919) % 20_000))).join('')}`,
    },
  ]
  const rows = [...addresses.map((ip_address) => row({ ip_address })), ...edges.map(row)]
  t.match(await ingest(service, 'edges', rows), { status: 202, body: { data: { accepted: rows.length } } })
})

t.test("a gateway's own table may be narrower, and lack what is not needed", async (t) => {
  const service = await testService(t)
  const { sql } = service
  await sql`alter table request_logs alter user_agent type varchar(5), alter path type varchar(8),
    drop column backend_name, drop column created_at`
  const sent = row({ path: '/a/long/path', user_agent: 'Mozilla', backend: 'b', user_id: 'u' })
  t.match((await ingest(service, 'a', [sent])).body.data, { accepted: 1 })
  t.match(await sql`select * from request_logs`, [{ path: '/a/long/', user_agent: 'Mozil', user_id: 'u' }])
  await sql`alter table request_logs drop column status_code`
  t.match(await ingest(service, 'b', [sent]), {
    status: 409,
    body: { code: 'TRAFFIC_TABLE_UNUSABLE', message: /lacks the column status_code/ },
  })
  await sql`drop table request_logs`
  t.match(await ingest(service, 'b', [sent]), { status: 409, body: { code: 'TRAFFIC_TABLE_UNUSABLE' } })
})

t.test('four batches are written at a time, the fifth is told to come again', async (t) => {
  const service = await testService(t)
  const holder = await service.sql.reserve()
  await holder`begin`
  await holder`lock table request_logs`
  const four = ['a', 'b', 'c', 'd'].map((id) => ingest(service, id, [row()]))
  const payload = { batch_id: 'e', requests: [row()] }
  const fifth = await service.app.inject({ method: 'POST', url: '/ingest/requests', payload })
  t.match(fifth.json(), { code: 'BUSY', message: /4 batches .* again shortly/ })
  t.equal(fifth.statusCode, 503)
  t.match(fifth.headers['retry-after'], /^\d+$/)
  await holder`commit`
  holder.release()
  for (const answer of await Promise.all(four))
    t.match(answer, { status: 202, body: { data: { accepted: 1 } } })
  t.match((await ingest(service, 'e', [row()])).body.data, { accepted: 1 })
})

t.test('the ids of batches are forgotten after eight days, some at a time', async (t) => {
  const service = await testService(t)
  await service.sql`insert into aegis_ml_ingest_batches (batch_id, requests, created_at)
    select 'old ' || i, 1, now() - interval '9 days' from generate_series(1, 30) i`
  await service.sql`insert into aegis_ml_ingest_batches values ('young', 1, now() - interval '7 days')`
  const kept = async () =>
    (await service.sql`select batch_id from aegis_ml_ingest_batches order by 1`).map(
      (each) => each['batch_id'] as string,
    )
  await ingest(service, 'a', [row()])
  t.equal((await kept()).length, 12)
  await ingest(service, 'b', [row()])
  t.same(await kept(), ['a', 'b', 'young'])
})

t.test('training finds what was sent, and late rows too, which rollups had passed', async (t) => {
  const service = await testService(t)
  const { sql, post } = service
  const minutes = (fromMs: number, path: string) =>
    Array.from({ length: 600 }, (_, i) =>
      row({ timestamp: ago(fromMs - 5000 * i), path, response_time_ms: 20 + (i % 7) }),
    )
  const samples = async () => {
    const { body } = await post('/train')
    return (body.data['anomaly_detector'] as { samples: number }).samples
  }
  const late = 3 * DAY_MS
  t.match(await ingest(service, 'first', minutes(late + DAY_MS, '/old')), { status: 202 })
  t.match(await ingest(service, 'present', minutes(2 * 3_600_000, '/items')), { status: 202 })
  const before = await samples()
  t.ok(before >= 99 && before <= 103, `${before}`)
  t.match(await ingest(service, 'late', minutes(late, '/late')), { status: 202 })
  t.match(await ingest(service, 'later', minutes(late - 1000, '/late')), { status: 202 })
  const [pending] = await sql<{ ranges: number; hours: number }[]>`
    select count(*)::int as ranges, count(distinct (from_time, to_time))::int as hours from aegis_ml_touched_ranges`
  t.equal(pending!.ranges, pending!.hours, 'the same hours are marked once, however many batches touch them')
  const after = await samples()
  t.ok(after - before >= 49 && after - before <= 52, `${before} ${after}`)
  const [rolled] = await sql<{ requests: number }[]>`
    select sum(requests)::int as requests from aegis_ml_rollup_minutes`
  t.equal(rolled!.requests, await countOf(service))
  t.same(await sql`select from aegis_ml_touched_ranges`, [])
})
