import { rm } from 'node:fs/promises'
import t from 'tap'
import { testDatabase, testDirectory } from '../postgres.js'
import { testService, trainOnSynthetic, USUAL, type Service } from '../service.js'
import { switchableProxy } from '../plugins/switchable-proxy.js'
import { eventually } from '../eventually.js'
import { insertMinutes } from './traffic.js'

const AWAY = { status: 503, body: { code: 'DATABASE_UNAVAILABLE', message: /GET \/health/ } }

const status = async ({ get }: Service) => (await get('/health')).body.data['status']
const isHealthy = async (service: Service) => (await status(service)) === 'healthy'
const versionInUse = async ({ get }: Service) =>
  ((await get('/model/info')).body.data['anomaly_detector'] as { version: string } | null)?.version

t.test('without its database the service judges on, says so, and recovers by itself', async (t) => {
  const { connection, sql } = await testDatabase(t)
  const proxy = await switchableProxy(t, connection.port)
  await proxy.close()
  // Away at the start.
  const service = await testService(t, {
    POSTGRES_HOST: '127.0.0.1',
    POSTGRES_PORT: String(proxy.port),
    POSTGRES_DB: connection.database,
  })
  t.equal(await status(service), 'degraded')
  t.equal((await service.get('/health/live')).status, 200)
  t.match(await service.get('/health/ready'), { status: 503, body: { code: 'DATABASE_UNAVAILABLE' } })
  t.match(await service.post('/generate/synthetic', { duration_hours: 24 }), { status: 200 })
  await refusesChanges(service)

  await proxy.open()
  await eventually(() => isHealthy(service))
  await insertMinutes(sql, 60)
  t.match((await service.post('/train')).body.data, { anomaly_detector: { trained: true } })

  // It goes away under the running service.
  await proxy.close()
  t.match(await service.post('/detect', USUAL), { status: 200 })
  t.match((await service.get('/health')).body.data, { status: 'degraded', database: /^error: / })
  await refusesChanges(service)
  t.match(await service.post('/detect', USUAL), { status: 200 })

  await proxy.open()
  await eventually(() => isHealthy(service))
  t.match(await service.post('/train'), { status: 200 })

  // It no longer answers, which no error tells.
  proxy.pause()
  t.match(await service.post('/detect', USUAL), { status: 200 })
  t.match((await service.get('/health')).body.data, { status: 'degraded', database: /no answer/ })
  t.match(await service.post('/train'), { status: 503 })
  proxy.resume()
  await eventually(() => isHealthy(service))
  t.match(await service.post('/train'), { status: 200 })

  async function refusesChanges({ get, post }: Service): Promise<void> {
    const refusals = await Promise.all([
      post('/train'),
      post('/train', { wait: false }),
      post('/model/activate', { model: 'anomaly', version: '20260131T120000000Z' }),
      get('/model/versions'),
      get('/train/jobs/00000000-0000-4000-8000-000000000000'),
    ])
    for (const refusal of refusals) t.match(refusal, AWAY)
    t.match(await get('/train/status'), { status: 200, body: { data: { training: false } } })
  }
})

t.test(
  'at a start without the database the files say what was active, later the database does',
  async (t) => {
    const { connection, sql } = await testDatabase(t)
    const proxy = await switchableProxy(t, connection.port)
    const environment = {
      POSTGRES_HOST: '127.0.0.1',
      POSTGRES_PORT: String(proxy.port),
      POSTGRES_DB: connection.database,
      MODEL_PATH: await testDirectory(t),
    }
    const first = await testService(t, environment)
    await trainOnSynthetic(first)
    const old = await versionInUse(first)
    await trainOnSynthetic(first)
    const newest = await versionInUse(first)
    await first.post('/model/activate', { model: 'anomaly', version: old })
    await first.app.close()

    await proxy.close()
    const second = await testService(t, environment)
    t.equal(await versionInUse(second), old, 'the active one, not the newest')
    t.match(await second.post('/detect', USUAL), { status: 200, body: { data: { model_version: old } } })
    await sql`update aegis_ml_active_models set version = ${newest!} where kind = 'anomaly_detector'` // as another replica did
    await proxy.open()
    await eventually(async () => (await versionInUse(second)) === newest)
    await second.post('/model/reset')
    await second.app.close()

    await proxy.close()
    const third = await testService(t, environment)
    t.equal(await versionInUse(third), undefined, 'a reset is remembered as well')
    await sql`update aegis_ml_active_models set version = ${newest!} where kind = 'anomaly_detector'`
    await rm(environment.MODEL_PATH, { recursive: true })
    await proxy.open()
    await eventually(async () => (await versionInUse(third)) === newest)
  },
)
