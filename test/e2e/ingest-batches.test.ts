import t from 'tap'
import { testService } from '../service.js'
import { DAY_MS } from '../../models/traffic/durations.js'
import { ago, row, ingest, countOf } from './ingested.js'

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
