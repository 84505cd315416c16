import t from 'tap'
import { testService, type Service } from '../service.js'
import { DAY_MS, MINUTE_MS } from '../../models/traffic/durations.js'

const ago = (ms: number) => new Date(Date.now() - ms).toISOString()

type Row = Record<string, unknown>

const row = (changes: Row = {}): Row => ({
  timestamp: ago(MINUTE_MS),
  method: 'GET',
  path: '/users/7',
  status_code: 200,
  ...changes,
})

const ingest = ({ post }: Service, batch_id: string, requests: unknown[]) =>
  post('/ingest/requests', { batch_id, requests })

const countOf = async ({ sql }: Service, table = 'request_logs') =>
  (await sql<{ count: number }[]>`select count(*)::int from ${sql(table)}`)[0]!.count

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
