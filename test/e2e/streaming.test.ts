import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { testService, trainOnSynthetic, USUAL, USUAL_MONDAY, type Service } from '../service.js'

const at = (minute: number) => new Date(Date.parse('2026-11-16T10:00:00Z') + minute * 60_000).toISOString()
const SPIKE = { ...USUAL, requests_per_second: 500 }

const FEW_ERRORS = { ...USUAL, error_rate: 0.048 }

const shared = await testService(t)
await trainOnSynthetic(shared)

/** The service of this file, trained, with nothing remembered of the tests before. */
async function fresh(): Promise<Service> {
  await shared.post('/model/reset')
  await shared.post('/model/load')
  return shared
}

t.test('a large deviation is certain at once, a smaller one when it is there again', async (t) => {
  const service = await fresh()
  const verdicts = []
  const minutes = [
    USUAL,
    FEW_ERRORS,
    USUAL,
    FEW_ERRORS,
    FEW_ERRORS,
    USUAL,
    USUAL,
    USUAL,
    USUAL,
    USUAL,
    SPIKE,
    USUAL,
  ]
  for (const [minute, metrics] of minutes.entries()) {
    verdicts.push((await service.post('/detect', { ...metrics, timestamp: at(minute) })).body.data)
  }
  t.same(
    verdicts.map(({ streak }) => streak),
    [0, 1, 0, 1, 2, 0, 0, 0, 0, 0, 1, 0],
  )
  t.same(
    verdicts.map(({ confirmed }) => confirmed),
    [false, false, false, false, true, false, false, false, false, false, true, false],
  )
  t.ok((verdicts[1]!['normalized_score'] as number) < 0.7, 'gateways alert from 0.7')
  t.match(verdicts[10], { anomaly_type: 'traffic_spike', explanation: /^Traffic 500 requests\/s/ })
  t.match((await service.get('/detect/trend')).body.data, {
    window_size: 12,
    anomaly_streak: 0,
    recent_anomaly_rate: 4 / 12,
  })
  t.match((await service.get('/detect/trend?source=other')).body.data, {
    window_size: 0,
    status: 'insufficient_data',
  })
})

t.test('an older report has nothing of the alarm of now', async (t) => {
  const service = await fresh()
  const slow = { ...USUAL, avg_latency_ms: 400, p95_latency_ms: 800, p99_latency_ms: 1200 }
  for (let minute = 0; minute < 4; minute++) {
    await service.post('/detect', { ...(minute < 2 ? USUAL : slow), timestamp: at(minute) })
  }
  const spike = { ...USUAL, requests_per_second: 500, timestamp: at(0) }
  t.match((await service.post('/detect', spike)).body.data, {
    confirmed: false,
    anomaly_type: 'traffic_spike',
  })
  t.match((await service.post('/detect', { ...USUAL, timestamp: at(0) })).body.data, { anomaly: false })
})

t.test('a replay gives the verdicts of the same rows sent one by one, and the alarms', async (t) => {
  const service = await fresh()
  const slow = { ...USUAL, avg_latency_ms: 400, p95_latency_ms: 800, p99_latency_ms: 1200 }
  const metrics = [USUAL, USUAL, slow, slow, slow, USUAL, USUAL, USUAL].flatMap((each, minute) =>
    ['default', 'b'].map((source) => ({ ...each, source, timestamp: at(minute) })),
  )
  const singles: Record<string, unknown>[] = []
  for (const each of metrics) singles.push((await service.post('/detect', each)).body.data)
  const shuffled = metrics.map((each, index) => ({ each, single: singles[index]!, key: (index * 7) % 16 }))
  shuffled.sort((a, b) => a.key - b.key)
  const { data } = (
    await service.post('/detect/batch', { mode: 'replay', metrics: shuffled.map(({ each }) => each) })
  ).body
  t.same(
    data['results'],
    shuffled.map(({ single: { alarm_since: _, ...single } }) => ({
      ...single,
      is_anomaly: single['anomaly'],
    })),
  )
  t.match(data['episodes'], [
    { source: 'b', from: at(2), to: at(4), type: 'latency_spike' },
    { source: 'default', from: at(2), type: 'latency_spike', severity: String, explanation: /latency/ },
  ])
  t.match(await service.post('/detect/batch', { mode: 'replay', metrics: [USUAL] }), {
    status: 400,
    body: { message: 'metrics[0].timestamp is required with mode replay.' },
  })
})

t.test('what is remembered of the sources outlives a restart', async (t) => {
  const first = await testService(t)
  await trainOnSynthetic(first, 24)
  for (let minute = 0; minute < 12; minute++) {
    await first.post('/detect', { ...USUAL, source: 'a', timestamp: at(minute) })
  }
  await first.app.close()
  const second = await testService(t, { DATA_PATH: first.dataPath }, first)
  t.match((await second.get('/detect/trend?source=a')).body.data, { window_size: 12, status: 'ok' })
  await second.post('/model/reset')
  t.match((await second.get('/detect/trend?source=a')).body.data, { window_size: 0 })
})

t.test('what the calendar has is neither judged nor learned from', async (t) => {
  const dataPath = await mkdtemp(join(tmpdir(), 'aegis-ml-calendar-'))
  const file = join(dataPath, 'calendar.json')
  await writeFile(file, JSON.stringify([{ from: at(0), to: at(2), reason: 'Christmas' }]))
  const service = await testService(t, { CALENDAR_FILE: file })
  await trainOnSynthetic(service, 24)
  const spike = async (minute: number) =>
    (await service.post('/detect', { ...SPIKE, timestamp: at(minute) })).body.data
  t.match(await spike(1), { anomaly: false, explanation: /the calendar has "Christmas"/ })
  t.match(await spike(2), { anomaly: true })
  const train = (await service.post('/train', { wait: false })).body
  t.match(train, { success: true })
})

t.test('/model/info tells what was learned, and how far traffic has moved from it', async (t) => {
  const service = await testService(t, { MIN_EFFECT_TRAFFIC: '0.5', TIME_ZONE: 'Europe/Berlin' })
  await trainOnSynthetic(service)
  const info = async () => (await service.get('/model/info')).body.data['anomaly_detector'] as object
  t.match(await info(), {
    time_zone: 'Europe/Berlin',
    rhythms: { error_rate: { rhythm: 'none' } },
    min_effects: { traffic: 0.5, latency: 0.25 },
    drift: { minutes: 0, retrain: false, features: { error_rate: null } },
  })
  const metrics = Array.from({ length: 300 }, (_, minute) => ({
    ...USUAL,
    avg_latency_ms: 60,
    timestamp: at(minute),
  }))
  for (const each of metrics) await service.post('/detect', each)
  t.match(await info(), { drift: { retrain: true, features: { avg_latency_ms: Number } } })
})

t.test('a batch gives the verdicts of single requests and moves no window', async (t) => {
  const service = await fresh()
  const metrics = [USUAL, SPIKE, { ...USUAL, error_rate: 0.5 }, { ...USUAL, avg_latency_ms: 900 }].map(
    (each, minute) => ({
      ...each,
      timestamp: at(minute),
    }),
  )
  const { data } = (await service.post('/detect/batch', { metrics })).body
  t.match(data['summary'], { total: 4, anomalies: 3, anomaly_rate: 0.75 })
  const singles = []
  for (const [index, each] of metrics.entries()) {
    singles.push((await service.post('/detect', { ...each, source: `alone ${index}` })).body.data)
  }
  const ofMinute = (each: Record<string, unknown>) =>
    Object.fromEntries(
      ['anomaly', 'anomaly_type', 'score', 'expected', 'features'].map((name) => [name, each[name]]),
    )
  t.same((data['results'] as Record<string, unknown>[]).map(ofMinute), singles.map(ofMinute))
  t.match((await service.get('/detect/trend')).body.data, { window_size: 0 })
})

t.test('ten thousand rows are answered in order', async (t) => {
  const service = await fresh()
  const metrics = Array.from({ length: 10_000 }, (_, index) =>
    index % 2 === 0 ? USUAL_MONDAY : { ...USUAL_MONDAY, requests_per_second: 500 },
  )
  const { data } = (await service.post('/detect/batch', { metrics })).body
  const results = data['results'] as { anomaly: boolean }[]
  t.ok(results.every(({ anomaly }, index) => anomaly === (index % 2 === 1)))
})

t.test('a reset forgets the windows; untrained is a conflict', async (t) => {
  const service = await fresh()
  await service.post('/detect', { ...SPIKE, timestamp: at(0) })
  await service.post('/model/reset')
  t.match((await service.get('/detect/trend')).body.data, { window_size: 0 })
  t.match(await service.post('/detect', USUAL), {
    status: 409,
    body: { code: 'MODEL_NOT_TRAINED', message: /POST \/train/ },
  })
  t.match(await service.post('/detect/batch', { metrics: [USUAL] }), { status: 409 })
  t.match((await service.post('/model/load')).body.data, {
    anomaly_detector: { loaded: true, trained: true },
  })
  t.match(await service.post('/detect', USUAL), { status: 200 })
})

t.test('both engines give the same verdicts', async (t) => {
  const answers = []
  for (const engine of ['kernel', 'tensor']) {
    const service = await testService(t, { SCORING_ENGINE: engine })
    await trainOnSynthetic(service, 24)
    const info = (await service.get('/model/info')).body.data['anomaly_detector'] as { engine: object }
    t.match(info.engine, { name: engine, backend: String, reason: /./ })
    const { data } = (await service.post('/detect/batch', { metrics: [USUAL, SPIKE] })).body
    answers.push(data['results'] as { anomaly: boolean; score: number }[])
  }
  for (const [index, { anomaly, score }] of answers[0]!.entries()) {
    t.equal(answers[1]![index]!.anomaly, anomaly)
    t.ok(Math.abs(answers[1]![index]!.score - score) < 1e-6)
  }
})

t.test('of a report that is traffic_only the request rate alone is judged', async (t) => {
  const service = await fresh()
  const slow = { ...USUAL, avg_latency_ms: 9000, p95_latency_ms: 9000, p99_latency_ms: 9000, error_rate: 1 }
  t.match((await service.post('/detect', slow)).body.data, { anomaly: true })
  const few = { ...slow, timestamp: USUAL_MONDAY.timestamp, traffic_only: true }
  const silent = { ...few, requests_per_second: 0 }
  t.match((await service.post('/detect', few)).body.data, { anomaly: false, features: slow })
  t.match((await service.post('/detect', silent)).body.data, { anomaly: true, anomaly_type: 'traffic_drop' })
  t.match((await service.post('/detect/batch', { metrics: [few, silent] })).body.data, {
    results: [{ anomaly: false }, { anomaly: true }],
  })
  t.match(await service.post('/detect', { ...USUAL, traffic_only: 'yes' }), {
    status: 400,
    body: { message: 'traffic_only is "yes"; allowed is true or false.' },
  })
})
