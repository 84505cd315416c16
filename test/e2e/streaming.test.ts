import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { testService, trainOnSynthetic, USUAL } from '../service.js'

const at = (minute: number) => new Date(Date.parse('2026-11-16T10:00:00Z') + minute * 60_000).toISOString()
const SPIKE = { ...USUAL, requests_per_second: 500 }

t.test('the third anomalous minute in a row is confirmed, and says so', async (t) => {
  const service = await testService(t)
  await trainOnSynthetic(service)
  const verdicts = []
  for (const [minute, metrics] of [USUAL, SPIKE, SPIKE, SPIKE, SPIKE, USUAL].entries()) {
    verdicts.push((await service.post('/detect', { ...metrics, timestamp: at(minute) })).body.data)
  }
  t.same(
    verdicts.map(({ streak }) => streak),
    [0, 1, 2, 3, 4, 0],
  )
  t.same(
    verdicts.map(({ confirmed }) => confirmed),
    [false, false, false, true, true, false],
  )
  t.match(verdicts[3]!['explanation'], /^CONFIRMED, 3 anomalous reports in a row\. Traffic is 500/)
  t.notMatch(verdicts[2]!['explanation'], /CONFIRMED/)
  t.match((await service.get('/detect/trend')).body.data, {
    window_size: 6,
    anomaly_streak: 0,
    recent_anomaly_rate: 4 / 6,
  })
  t.match((await service.get('/detect/trend?source=other')).body.data, {
    window_size: 0,
    status: 'insufficient_data',
  })
})

t.test('a batch gives the verdicts of single requests and moves no window', async (t) => {
  const service = await testService(t)
  await trainOnSynthetic(service)
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
  t.same(data['results'], singles)
  t.match((await service.get('/detect/trend')).body.data, { window_size: 0 })
})

t.test('ten thousand rows are answered in order', async (t) => {
  const service = await testService(t)
  await trainOnSynthetic(service)
  const metrics = Array.from({ length: 10_000 }, (_, index) => (index % 2 === 0 ? USUAL : SPIKE))
  const { data } = (await service.post('/detect/batch', { metrics })).body
  const results = data['results'] as { anomaly: boolean }[]
  t.ok(results.every(({ anomaly }, index) => anomaly === (index % 2 === 1)))
})

t.test('a reset forgets the windows; untrained is a conflict', async (t) => {
  const service = await testService(t)
  await trainOnSynthetic(service)
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
  const file = 'synthetic_training_data.csv'
  let history: Buffer | undefined
  for (const engine of ['kernel', 'tensor']) {
    const service = await testService(t, { SCORING_ENGINE: engine })
    if (history) await writeFile(join(service.dataPath, file), history)
    else await service.post('/generate/synthetic', { seed: 42 })
    history ??= await readFile(join(service.dataPath, file))
    await service.post('/train/synthetic')
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
  const service = await testService(t)
  await trainOnSynthetic(service)
  const slow = { ...USUAL, avg_latency_ms: 9000, p95_latency_ms: 9000, p99_latency_ms: 9000, error_rate: 1 }
  t.match((await service.post('/detect', slow)).body.data, { anomaly: true })
  const few = { ...slow, traffic_only: true }
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
