import t from 'tap'
import { poisson } from '../../eval/detection/draws.js'
import { createRandom } from '../../models/statistics/random.js'
import { createWatchedPrometheus } from '../../plugins/watcher/prometheus-log.js'
import { Watch } from '../../plugins/watcher/watch.js'
import { testService } from '../service.js'

const MINUTE = 60_000
const HISTORY = 240
const START = Date.parse('2026-03-02T09:00:00Z')
const SOURCE = 'edge'
const never = new AbortController().signal

t.test('minutes of Prometheus are watched: the gateway as a whole', async (t) => {
  const service = await testService(t, {
    ...{ RETENTION_DAYS: '3650', PROMETHEUS_SOURCE: SOURCE, PROMETHEUS_PRESET: 'envoy' },
    PROMETHEUS_URL: 'http://127.0.0.1:9', // nobody answers: what was fetched is all that there is
  })
  const { app, sql, get, post } = service
  const random = createRandom(3)
  let nowMs = START
  const minute = async (traffic = 1) => {
    const requests = poisson(random, 600 * traffic)
    const ms = 50 * Math.exp(0.03 * random.normal())
    await sql`insert into aegis_ml_prometheus_minutes values
      (${SOURCE}, ${new Date(nowMs)}, ${requests}, ${requests * 0.01}, ${ms}, ${2 * ms}, ${4 * ms})`
    nowMs += MINUTE
  }
  for (let i = 0; i < HISTORY; i++) await minute()
  const range = { from: new Date(START).toISOString(), to: new Date(nowMs).toISOString() }
  t.equal((await post('/train', { ...range, source: 'prometheus', models: ['anomaly'] })).status, 200)
  t.equal(app.watchModels.current(), null)

  const { watchModels, incidents, feedback } = app
  const watch = await Watch.recall({
    ...{ sql, watchModels, incidents, feedback, delayMs: 5_000, isAlways: false },
    watchedLog: createWatchedPrometheus(sql, SOURCE),
    announce: async () => undefined,
    onWritten: () => undefined,
    now: () => nowMs + 6_000,
  })
  t.same(await watch.step(never), { mode: 'log', reason: null })
  for (let i = 0; i < 3; i++) {
    await minute()
    await watch.step(never)
  }
  const troubleMs = nowMs
  for (let i = 0; i < 5; i++) {
    await minute(0.1)
    await watch.step(never)
  }
  for (let i = 0; i < 12; i++) {
    await minute()
    await watch.step(never)
  }
  const { incidents: found } = (await get('/incidents')).body.data as { incidents: object[] }
  t.match(found, [
    { source: 'default', type: 'traffic_drop', started_at: new Date(troubleMs).toISOString(), endpoints: [] },
  ])
  t.equal(found.length, 1)
  const [{ count }] = await sql<[{ count: number }]>`
    select count(*)::int as count from aegis_ml_watched_minutes where series_kind = 'gateway'`
  t.equal(count, 15 + 20)
})
