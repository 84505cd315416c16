import type { Sql } from 'postgres'
import t from 'tap'
import {
  storeWatchedMinutes,
  thinOutWatchedMinutes,
  type WatchedMinute,
} from '../../../db/own/watched-minutes.js'
import { createWatchRecorder } from '../../../plugins/incidents/watch-recorder.js'
import { timelineRange } from '../../../plugins/incidents/timeline.js'
import { eventually } from '../../eventually.js'
import { testService, trainOnSynthetic, USUAL } from '../../service.js'
import { anIncident, store } from './an-incident.js'

const MINUTE = 60_000
const DAY = 86_400_000
const NOW = Date.parse('2026-03-20T12:00:00Z')

interface Point {
  at: string
  requests_per_second: { value: number; expected: number; lower: number; upper: number }
  avg_latency_ms: { value: number | null; expected: number | null }
  p99_latency_ms: { value: number | null; expected: number | null }
  error_rate: { value: number }
  verdict: { anomaly: boolean; type: string | null; severity: string | null } | null
}

function aMinute(timeMs: number, changes: Partial<WatchedMinute> = {}): WatchedMinute {
  return {
    series: { kind: 'source', name: 'edge' },
    ...{ timeMs, seconds: 60, requests: 60, failed: 6 },
    latencyMs: { avg: 100, p95: 200, p99: null },
    expected: [1, 90, 180, null, 0.1],
    lower: [0.5, 80, 150, null, 0],
    upper: [2, 120, 240, null, 0.2],
    ...{ anomaly: false, type: null, severity: null, alarm: null },
    ...changes,
  }
}

const countOf = async (sql: Sql, name = '%') =>
  (
    await sql<[{ n: number }]>`
      select count(*)::int as n from aegis_ml_watched_minutes where series_name like ${name}`
  )[0].n

const service = await testService(t)
const { app, sql, get, post } = service
await trainOnSynthetic(service, 48)

t.test('verdicts on reports of a source are stored, and are its timeline', async (t) => {
  const end = Math.floor(Date.now() / MINUTE) * MINUTE
  const at = (minutes: number) => new Date(end - minutes * MINUTE).toISOString()
  for (let minutes = 5; minutes > 0; minutes--) {
    await post('/detect', { ...USUAL, source: 'shop 1', timestamp: at(minutes) })
  }
  await post('/detect', { ...USUAL, source: 'shop 1', timestamp: at(1), requests_per_second: 51 })
  await post('/detect', { ...USUAL, source: 'shop 1', timestamp: at(3), error_rate: 1 })
  await post('/detect', { ...USUAL, source: 'shop 1', timestamp: '2001-01-01T00:00:00Z' })
  await eventually(async () => (await countOf(sql)) === 5, { what: 'five minutes' })
  const { data } = (await get(`/timeline?source=shop%201&from=${at(10)}`)).body
  t.match(data, { kind: 'source', source: 'shop 1', endpoint: null, step: '1m' })
  const points = data['points'] as Point[]
  t.same(
    points.map((point) => point.at),
    [5, 4, 3, 2, 1].map(at),
  )
  t.same(
    points.map(({ requests_per_second: { value } }) => value),
    [50, 50, 50, 50, 51],
    'the last report of a minute',
  )
  t.equal(points[2]!.error_rate.value, 0.01, 'a late report changes nothing')
  const { expected, lower, upper } = points[0]!.requests_per_second
  t.ok(lower < expected && expected < upper)
  t.match(points[0]!.verdict, { anomaly: false, type: null, severity: null })
  const { sources } = (await get('/sources?kind=source')).body.data as { sources: object[] }
  t.match(sources, [
    {
      kind: 'source',
      source: 'shop 1',
      endpoint: null,
      last_report: at(1),
      status: 'normal',
      open_incident: null,
    },
  ])
})

t.test('an open incident of a series shows in the list of sources', async (t) => {
  await storeWatchedMinutes(sql, [aMinute(Date.now() - 3 * 3_600_000)])
  await store(sql, [
    anIncident({ series: { kind: 'source', name: 'shop 1' }, endpoints: [] }),
    anIncident({
      number: 2,
      endedMs: anIncident().startedMs + MINUTE,
      series: { kind: 'source', name: 'edge' },
    }),
  ])
  t.match((await get('/sources')).body.data, {
    sources: [
      { source: 'edge', status: 'silent', open_incident: null },
      { source: 'shop 1', status: 'alarm', open_incident: '1' },
    ],
    ...{ total: 2, limit: 1000, offset: 0, lost_minutes: 0 },
  })
  t.match((await get('/sources?status=silent')).body.data, { sources: [{ source: 'edge' }], total: 1 })
  t.match((await get('/sources?offset=1&limit=1')).body.data, { sources: [{ source: 'shop 1' }], total: 2 })
  await sql`delete from aegis_ml_watched_minutes`
})

t.test('a step has the sums, the means and the severest verdict of its minutes', async (t) => {
  const start = Date.parse('2026-03-02T12:00:00Z')
  await storeWatchedMinutes(sql, [
    aMinute(start),
    aMinute(start + MINUTE, {
      requests: 180,
      latencyMs: { avg: 200, p95: null, p99: null },
      anomaly: true,
      type: 'latency_spike',
      severity: 'low',
    }),
    aMinute(start + 2 * MINUTE, {
      anomaly: true,
      type: 'error_rate_spike',
      severity: 'high',
      expected: [4, null, 180, null, 0.1],
    }),
  ])
  const query = 'source=edge&from=2026-03-02T11:00Z&to=2026-03-02T13:00Z&step=5m'
  t.match((await get(`/timeline?${query}`)).body.data['points'], [
    {
      at: '2026-03-02T12:00:00.000Z',
      requests_per_second: { value: 300 / 180, expected: 2, lower: 0.5, upper: 2 },
      avg_latency_ms: { value: 160, expected: 90 },
      p95_latency_ms: { value: 200 },
      p99_latency_ms: { value: null, expected: null },
      error_rate: { value: 18 / 300 },
      verdict: { anomaly: true, type: 'error_rate_spike', severity: 'high' },
    },
  ])
  await sql`delete from aegis_ml_watched_minutes`
})

t.test('minutes older than a week become quarter hours, and too old ones are deleted', async (t) => {
  const old = NOW - 8 * DAY
  const minutes = Array.from({ length: 60 }, (_, i) =>
    aMinute(old + i * MINUTE, i === 20 ? { anomaly: true, type: 'traffic_drop', severity: 'medium' } : {}),
  )
  await storeWatchedMinutes(sql, [
    ...minutes,
    aMinute(NOW - 6 * DAY),
    aMinute(NOW - 91 * DAY),
    aMinute(NOW - 30 * DAY),
  ])
  await thinOutWatchedMinutes(sql, NOW, 90 * DAY)
  const rows = await sql`select minute, seconds, requests, anomaly, severity, expected::text, is_coarse
    from aegis_ml_watched_minutes order by minute`
  const quarter = { seconds: 900, requests: 900, is_coarse: true }
  t.match(
    [...rows],
    [
      { minute: new Date(NOW - 30 * DAY), seconds: 60, requests: 60, is_coarse: true },
      {
        minute: new Date(old),
        ...quarter,
        anomaly: false,
        severity: null,
        expected: '{1,90,180,NULL,0.1}',
      },
      { ...quarter, anomaly: true, severity: 'medium' },
      quarter,
      { minute: new Date(old + 45 * MINUTE), ...quarter },
      { minute: new Date(NOW - 6 * DAY), seconds: 60, is_coarse: false },
    ],
  )
  await thinOutWatchedMinutes(sql, NOW, 90 * DAY)
  t.equal(await countOf(sql), rows.length, 'once is enough')
  await storeWatchedMinutes(sql, [aMinute(old + 1000 * MINUTE)])
  await Promise.all([1, 2, 3].map(() => thinOutWatchedMinutes(sql, NOW, 90 * DAY)))
  t.equal(await countOf(sql), rows.length + 1)
  await sql`delete from aegis_ml_watched_minutes`
})

t.test('what cannot be stored is kept up to a bound, and what is lost is counted', async (t) => {
  const verdict = service.app.detection.detect({
    ...USUAL,
    source: 'x',
    timestamp: new Date(NOW).toISOString(),
  })
  let failures = 0
  const recorder = createWatchRecorder({
    ...{ sql, database: service.app.database, log: { warn: () => failures++ } },
    ...{ retentionDays: 90, now: () => NOW, maxRows: 10 },
  })
  await sql`alter table aegis_ml_watched_minutes rename to away`
  for (let i = 0; i < 25; i++) recorder.record({ ...verdict, source: `s${i}`, timestampMs: NOW })
  recorder.record({ ...verdict, source: 's24', timestampMs: NOW })
  t.equal(recorder.lost, 15, 'the same minute again takes no place')
  await eventually(() => failures > 0, { what: 'a write that fails' })
  await sql`alter table away rename to aegis_ml_watched_minutes`
  await eventually(async () => (await countOf(sql, 's%')) === 10, { what: 'the ten newest' })
  recorder.record({ ...verdict, source: 's25', timestampMs: NOW })
  await recorder.close()
  t.equal(await countOf(sql, 's%'), 11, 'the rest is stored at the end')
})

t.test('a range has at most 2,000 points', (t) => {
  const now = Date.parse('2026-03-20T12:00:30Z')
  const step = (days: number, given?: '1m' | '1h') =>
    timelineRange({ from: new Date(now - days * DAY).toISOString(), step: given }, now).stepSeconds
  t.same(
    [0.5, 1, 3, 14, 60, 400, 1900].map((days) => step(days)),
    [60, 60, 300, 900, 3600, 21_600, 86_400],
  )
  t.equal(step(1, '1h'), 3600)
  t.throws(() => step(3, '1m'), {
    code: 'INVALID_REQUEST',
    message: /^step is "1m"; allowed is 5m or longer/,
  })
  t.throws(() => step(3000), { code: 'INVALID_REQUEST', message: /^from is .* a range of at most 1999 days/ })
  t.throws(() => step(-1), { message: /allowed is a time before to/ })
  t.same(timelineRange({ from: '2026-03-20T11:59:59Z', to: '2026-03-20T12:00:01Z' }, now), {
    ...{ from: new Date('2026-03-20T11:59:00Z'), to: new Date('2026-03-20T12:01:00Z'), stepSeconds: 60 },
  })
  t.end()
})

t.test('the gateway and its endpoints have the values of the log, and the bands of the model', async (t) => {
  const end = Math.floor(Date.now() / MINUTE) * MINUTE
  const from = new Date(end - 60 * MINUTE)
  await sql`insert into request_logs (timestamp, method, path, status_code, response_time_ms, user_id)
    select ${from}::timestamptz + i * interval '1 second', 'GET', '/orders/' || i % 50, case when i % 10 = 0 then 500 else 200 end, 20, 'u' || i % 3
    from generate_series(0, 3599) i where i not between 1200 and 1319`
  await sql`insert into request_logs (timestamp, method, path, status_code, response_time_ms)
    select ${from}::timestamptz + i * interval '1 second', 'GET', '/rare', 200, 20
    from generate_series(300, 3599, 20) i where i not between 1200 and 1319`
  t.match(await post('/train', { days: 1, models: ['anomaly'] }), { status: 200 })
  const query = `from=${from.toISOString()}&to=${new Date(end).toISOString()}`
  const { data } = (await get(`/timeline?${query}`)).body
  const points = data['points'] as Point[]
  t.equal(points.length, 60)
  t.match(points[0], {
    requests_per_second: { value: 1 },
    avg_latency_ms: { value: 20 },
    error_rate: { value: 0.1 },
    verdict: null,
  })
  t.ok(
    points.every(
      ({ requests_per_second: { lower, expected, upper } }) => lower <= expected && expected <= upper,
    ),
  )
  t.match(
    points[21],
    { requests_per_second: { value: 0 }, avg_latency_ms: { value: null } },
    'without requests',
  )
  const endpoint = (await get(`/timeline?${query}&endpoint=GET%20/orders/7`)).body.data
  t.match(endpoint, { kind: 'endpoint', source: 'default', endpoint: 'GET /orders/{id}' })
  t.match((endpoint['points'] as Point[])[0], { requests_per_second: { value: 1, expected: null } })
  // An hour of one endpoint is enough for a model of it.
  await app.watchModels.fit({ signal: new AbortController().signal })
  const watched = (await get(`/timeline?${query}&endpoint=GET%20/orders/7`)).body.data['points'] as Point[]
  t.ok(
    watched.every(
      ({ requests_per_second: { lower, expected, upper } }) => lower <= expected && expected <= upper,
    ),
  )
  t.ok(Math.abs(watched[0]!.requests_per_second.expected - 1) < 0.2)
  const [rare] = (await get(`/timeline?${query}&endpoint=GET%20/rare`)).body.data['points'] as Point[]
  t.match(rare, { avg_latency_ms: { value: 20, expected: Number }, p99_latency_ms: { value: 20 } })
  const unknown = { expected: null, lower: null, upper: null }
  t.match(rare, { p99_latency_ms: unknown }, 'three requests a minute have no usual 99th percentile')
  const { sources } = (await get('/sources')).body.data as { sources: { kind: string; endpoint: string }[] }
  t.match(sources[0], { kind: 'gateway', source: 'default', status: 'not_watched', model: null })
  const endpoints = sources.filter(({ kind }) => kind === 'endpoint')
  t.match(
    endpoints.toSorted((a, b) => a.endpoint.localeCompare(b.endpoint)),
    ['GET /orders/{id}', 'GET /rare'].map((name) => ({
      endpoint: name,
      status: 'not_watched',
      model: 'young',
    })),
  )
  t.same((await get('/timeline?endpoint=/nowhere')).body.data['points'], [])
  t.match(await get('/timeline?source=a&endpoint=/b'), {
    status: 400,
    body: { message: /^endpoint cannot be given/ },
  })
  t.match(await get('/timeline?step=2m'), {
    status: 400,
    body: { message: /^step is "2m"; allowed is one of/ },
  })
})
