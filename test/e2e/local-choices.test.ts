import t, { type Test } from 'tap'
import { eventually } from '../eventually.js'
import { testDatabase, testDirectory } from '../postgres.js'
import { switchableProxy } from '../plugins/switchable-proxy.js'
import { testService, trainOnSynthetic, USUAL, type Service } from '../service.js'

const versionInUse = async ({ get }: Service) =>
  ((await get('/model/info')).body.data['anomaly_detector'] as { version: string } | null)?.version ?? null
const LOCAL = { status: 200, body: { warnings: [/The database is down.*this replica only/] } }

/** A database behind a proxy that can be closed, and the environment of a service on it. */
async function outage(t: Test) {
  const { connection, sql } = await testDatabase(t)
  const proxy = await switchableProxy(t, connection.port)
  const replica = async () => ({
    POSTGRES_HOST: '127.0.0.1',
    POSTGRES_PORT: String(proxy.port),
    POSTGRES_DB: connection.database,
    MODEL_PATH: await testDirectory(t),
  })
  const chosen = async () => {
    const [row] = await sql`select version from aegis_ml_active_models where kind = 'anomaly_detector'`
    return row?.['version'] as string | null | undefined
  }
  return { sql, proxy, replica, chosen }
}

t.test(
  'without its database a service trains, loads and resets on its files, and passes it on',
  async (t) => {
    const { sql, proxy, replica, chosen } = await outage(t)
    await proxy.close()
    const environment = await replica()
    const service = await testService(t, environment)
    t.match(await service.post('/generate/synthetic', { duration_hours: 24 }), { status: 200 })
    t.match(await service.post('/model/load'), {
      ...LOCAL,
      body: { data: { anomaly_detector: { loaded: false } } },
    })
    t.match(await service.post('/train/synthetic'), { ...LOCAL, body: { data: { trained: true } } })
    const version = await versionInUse(service)
    t.match(await service.post('/detect', USUAL), { body: { data: { model_version: version } } })
    t.match(await service.post('/model/reset'), LOCAL)
    t.equal(await versionInUse(service), null)
    t.match(await service.post('/model/load'), {
      ...LOCAL,
      body: { data: { anomaly_detector: { version } } },
    })
    t.match(await service.post('/train'), { status: 503 }, 'it needs the rows')
    await service.app.close()

    const second = await testService(t, environment)
    t.equal(await versionInUse(second), version, 'what was acknowledged is on disk')
    await proxy.open()
    await eventually(async () => (await chosen().catch(() => undefined)) === version)
    const [entry] = await sql`select is_active from ml_models where version = ${version}`
    t.match(entry, { is_active: true })
    await eventually(async () => (await second.get('/health')).body.data['status'] === 'healthy')
    t.notOk((await second.post('/model/load')).body['warnings'])

    await proxy.close()
    t.match(await second.post('/model/reset'), LOCAL)
    await proxy.open()
    await eventually(async () => (await chosen()) === null)
    t.equal(await versionInUse(second), null)
  },
)

t.test('a choice of another replica during the outage wins over the local one', async (t) => {
  const { sql, proxy, replica, chosen } = await outage(t)
  const service = await testService(t, await replica())
  await trainOnSynthetic(service)
  const old = await versionInUse(service)
  await trainOnSynthetic(service)
  await proxy.close()
  t.match(await service.post('/train/synthetic'), LOCAL)
  t.match(await service.post('/model/reset'), LOCAL)
  await sql`update aegis_ml_active_models set version = ${old} where kind = 'anomaly_detector'`
  await proxy.open()
  await eventually(async () => (await versionInUse(service)) === old)
  t.equal(await chosen(), old)
})
