import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { databaseEnvironment, silentLog, testDirectory } from '../postgres.js'
import { testService, trainOnSynthetic, type Service } from '../service.js'
import { hoursAhead, insertDays } from './automatic-training.js'
import { eventually } from '../eventually.js'
import { holdTraffic, holdVersions, insertMinutes } from './traffic.js'

interface Info {
  anomaly_detector: { version: string; training_samples: number } | null
  automatic_training: {
    every_seconds: number | null
    next_at: string | null
    paused_because: string | null
    last: { outcome: string; reason: string | null; version: string | null; job: string | null } | null
  }
}
interface Version {
  version: string
  active: boolean
  automatic: boolean
  refused: string | null
}

const info = async ({ get }: Service) => (await get('/model/info')).body.data as unknown as Info
const versions = async ({ get }: Service) =>
  (await get('/model/versions')).body.data['anomaly_detector'] as Version[]
const jobs = async ({ sql }: Service) => {
  const [row] = await sql<[{ count: number }]>`select count(*)::int from aegis_ml_training_jobs`
  return row.count
}
/** What the automatic training says after the last one, as any replica shows it. */
const shown = async (service: Service) => {
  await service.app.automaticTraining.refresh()
  return (await info(service)).automatic_training
}

t.test('a table without requests trains nothing, and the log says so once', async (t) => {
  const service = await testService(t)
  await trainOnSynthetic(service, 24)
  const before = (await info(service)).anomaly_detector
  const said: unknown[] = []
  const log = { ...silentLog, info: (fields: object) => void said.push(fields) }
  const automatic = hoursAhead(service.app, 2, log)
  await automatic.look()
  await automatic.look()
  t.same(said, [{ reason: 'The table request_logs has no requests of the last 14 days.' }])
  t.match(await info(service), { anomaly_detector: before })
  t.match(await shown(service), {
    paused_because: 'TRAIN_EVERY is off.',
    last: { outcome: 'not_enough_data' },
  })
  t.equal(await jobs(service), 1)
  t.match((await service.get(`/model/versions/${before!.version}/comparison`)).body, { code: 'NOT_COMPARED' })
  for (const version of ['20200101T000000000Z', 'x', '%00']) {
    t.match((await service.get(`/model/versions/${version}/comparison`)).body, { code: 'MODEL_NOT_FOUND' })
  }
})

t.test('two replicas train once when it is due, the first time and again', async (t) => {
  const service = await testService(t, { TRAIN_EVERY: '1h' })
  const other = await testService(t, {}, service)
  const look = (hours: number) =>
    Promise.all([service, other].map(({ app }) => hoursAhead(app, hours).look()))
  await insertMinutes(service.sql, 30)
  await look(0)
  t.match(await shown(service), { last: { outcome: 'not_enough_data' }, paused_because: null })
  t.equal(await jobs(service), 0)

  await service.sql`truncate request_logs`
  await insertMinutes(service.sql, 90)
  await look(1)
  const first = (await info(service)).anomaly_detector
  t.match(first, { training_samples: 90 })
  t.match(await shown(service), { last: { outcome: 'activated', reason: null, version: first!.version } })
  await look(1.5)
  t.equal(await jobs(service), 1, 'not before it is due')
  await look(2.5)
  t.equal(await jobs(service), 2)
  const [second, ...older] = await versions(service)
  t.match((await service.get('/audit?operation=train&actor=service')).body.data['entries'], [
    { caller: null, outcome: 'done', input: { outcome: 'activated', version: second!.version } },
    { caller: null, outcome: 'done', input: { outcome: 'activated', version: first!.version } },
  ])
  t.match(second, { active: true, automatic: true, refused: null })
  t.match(older, [{ version: first!.version, active: false, automatic: true }])
  const { rate_optimizer: optimizers } = (await service.get('/model/versions')).body.data as Record<
    string,
    Version[]
  >
  t.match(optimizers, [{ automatic: true }, { automatic: true }])
  await eventually(async () => (await info(other)).anomaly_detector?.version === second!.version)
  t.match((await service.get(`/model/versions/${second!.version}/comparison`)).body.data, {
    ...{ compared_with: first!.version, automatic: true, activated: true, objections: [] },
    alarms: { before: 0, after: 0 },
    episodes: { listed: [] },
  })

  await service.post('/model/reset')
  await look(9)
  t.equal(await jobs(service), 2, 'nothing after a reset')
  t.match(await shown(service), { next_at: null, paused_because: /reset/ })
  await service.post('/model/load')
  t.match(await info(service), { anomaly_detector: { version: second!.version } })
})

t.test(
  'marked incidents are not learned, and a model that learned an unmarked one is stored only',
  async (t) => {
    const service = await testService(t)
    const { sql, post } = service
    const FAILING = 2 * 1440
    await insertDays(sql, 5, FAILING)
    const calmDays = {
      from: new Date(Date.now() - 5 * 86_400_000).toISOString(),
      to: new Date(Date.now() - (FAILING + 1) * 60_000).toISOString(),
    }
    t.match((await post('/train', calmDays)).body.data, {
      anomaly_detector: { trained: true, activated: true, refused: null, incident_minutes: 0 },
    })
    const before = (await info(service)).anomaly_detector!
    await hoursAhead(service.app, 2).look()
    const { last } = await shown(service)
    t.match(last, { outcome: 'kept', reason: /takes the incident of .* for usual/ })
    t.match(await info(service), { anomaly_detector: { version: before.version } })
    const [kept] = await versions(service)
    t.match(kept, { version: last!.version, active: false, automatic: true, refused: last!.reason })
    const { body } = await service.get(`/model/versions/${kept!.version}/comparison`)
    t.match(body.data, { compared_with: before.version, activated: false, refused: last!.reason })
    const job = (await service.get(`/train/jobs/${last!.job}`)).body.data
    t.match(job, { request: { automatic: true }, result: { anomaly_detector: { activated: false } } })
    await post('/model/reset')
    await post('/model/load')
    t.match(await info(service), { anomaly_detector: { version: before.version } }, 'a load does not take it')

    await sql`insert into anomaly_events (detected_at, anomaly_type, severity, status)
    select now() - i * interval '10 minutes', 'error_rate_spike', 'high', 'acknowledged'
    from generate_series(1, ${FAILING / 10}) i`
    await hoursAhead(service.app, 6).look()
    const now = await info(service)
    t.match((await shown(service)).last, { outcome: 'activated', version: now.anomaly_detector!.version })
    t.ok(now.anomaly_detector!.training_samples < 3 * 1440 + 20, 'the incident is not learned')
    const comparison = await service.get(`/model/versions/${now.anomaly_detector!.version}/comparison`)
    t.match(comparison.body.data, { incidents: { marked: 1, before: 1, after: 1, still: 1 }, objections: [] })

    t.match((await post('/model/activate', { model: 'anomaly', version: kept!.version })).status, 200)
  },
)

t.test('a training by request takes the place of an automatic one', async (t) => {
  const service = await testService(t)
  await insertMinutes(service.sql, 90)
  const release = await holdTraffic(service.sql)
  const automatic = service.app.training.beginAutomatic({}, async () => undefined)
  const { job, result } = await automatic
  const ended = result.catch((error: { code: string }) => error.code)
  const asked = service.post('/train')
  t.equal(await ended, 'TRAINING_STOPPED')
  await release()
  t.match((await asked).body.data, { anomaly_detector: { trained: true, activated: true } })
  t.match((await service.get(`/train/jobs/${job.id}`)).body.data, { state: 'stopped' })
  t.equal(await service.app.training.jobs.current(), null)
})

const PROCESS = fileURLToPath(new URL('./automatic-training-process.js', import.meta.url))

t.test('a kill in the middle of an automatic training leaves nothing, and it is tried again', async (t) => {
  const service = await testService(t)
  const { sql, connection } = service
  await insertMinutes(sql, 90)
  const release = await holdVersions(sql)
  const dataPath = await testDirectory(t)
  const child = spawn(process.execPath, [PROCESS], {
    env: { PATH: process.env['PATH'], ...databaseEnvironment(connection), DATA_PATH: dataPath },
    stdio: 'ignore',
  })
  const closed = once(child, 'close')
  await eventually(async () => {
    const waiting = await sql`select from pg_stat_activity where datname = current_database()
      and wait_event_type = 'Lock' and query like '%insert into aegis_ml_models%'`
    return waiting.length === 1
  })
  child.kill('SIGKILL')
  await closed
  await release()
  const stored = async () => {
    const [row] = await sql`select (select count(*) from aegis_ml_models)::int as models,
      (select count(*) from aegis_ml_model_comparisons)::int as comparisons,
      (select count(*) from aegis_ml_active_models)::int as active,
      (select count(*) from ml_models)::int as entries, (select outcome from aegis_ml_automatic_training) as outcome`
    return row
  }
  await eventually(async () => (await service.app.training.jobs.current()) === null)
  t.same(await stored(), { models: 0, comparisons: 0, active: 0, entries: 0, outcome: null })
  const job = await sql`select state, error->>'code' as code from aegis_ml_training_jobs`
  t.same([...job], [{ state: 'failed', code: 'SERVICE_LOST' }])
  await hoursAhead(service.app, 0.5).look()
  t.equal(await jobs(service), 1, 'not before an hour has passed')
  await hoursAhead(service.app, 1.5).look()
  t.match(await shown(service), { last: { outcome: 'activated' } })
  t.match(await stored(), { models: 2, comparisons: 2, active: 2 })
})
