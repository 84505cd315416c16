import t, { type Test } from 'tap'
import { eventually } from '../eventually.js'
import { testService, USUAL, type Service } from '../service.js'
import { cellsOf } from './matrix.js'
import { missingCompatPrograms } from './programs-needed.js'
import { caughtUp, startCluster, startStandby, type Cluster, type TestDatabase } from './servers/cluster.js'
import { openSql } from '../postgres.js'
import { recommend } from './steps.js'
import { writeTraffic } from './traffic.js'

const skip = missingCompatPrograms('postgres')
const readOnly = cellsOf('Servers that take no writes')
const ROW = 'hot standby'
const REFUSED = { status: 503, body: { code: 'DATABASE_READ_ONLY' } }
const BATCH = { batch_id: 'b', requests: [{ timestamp: '', method: 'GET', path: '/', status_code: 200 }] }
const batch = () => ({
  ...BATCH,
  requests: BATCH.requests.map((each) => ({
    ...each,
    timestamp: new Date(Date.now() - 600_000).toISOString(),
  })),
})

/** The database of the primary, as the standby has it. */
async function onStandby(
  t: Test,
  { sql, connection }: TestDatabase,
  standby: Cluster,
): Promise<TestDatabase> {
  const replica = openSql({ ...connection, port: standby.port })
  t.teardown(() => replica.end({ timeout: 1 }))
  await eventually(() => replica`select 1`.catch(() => undefined), { what: 'the database on the standby' })
  await caughtUp(sql, replica)
  return { sql: replica, connection: { ...connection, port: standby.port } }
}

t.test('a hot standby', { skip }, async (t) => {
  const primary = await startCluster(t)
  const standby = await startStandby(t, primary)

  await t.test('that is all there is, until it is promoted', async (t) => {
    const database = await primary.createDatabase(t)
    const before = await testService(t, {}, database)
    await writeTraffic(database.sql, { table: 'request_logs' })
    await before.post('/train', { days: 1 })
    const saved = await recommend({ service: before })
    await before.app.close()
    const replica = await onStandby(t, database, standby)
    const service = await testService(t, {}, replica)
    await onReadOnlyServer(t, service, String(saved.body.data['id']))
    await readOnly.cell(t, ROW, 'promotion', async (t) => {
      await replica.sql`select pg_promote()`
      await eventually(async () => (await service.get('/health')).body.data['status'] === 'healthy', {
        what: 'a healthy service after the promotion',
      })
      t.match(await service.post('/ingest/requests', batch()), { status: 202 })
      t.match(await service.post('/train', { days: 1 }), {
        status: 200,
        body: { data: { anomaly_detector: { trained: true } } },
      })
    })
    t.same(readOnly.left(), [])
  })
})

async function onReadOnlyServer(t: Test, service: Service, id: string): Promise<void> {
  const run = (column: string, work: (t: Test) => Promise<void>) => readOnly.cell(t, ROW, column, work)
  await run('health', async (t) => {
    const { status, body } = await service.get('/health')
    t.equal(status, 200)
    t.match(body.data, { status: 'degraded', problems: [/read-only/] })
  })
  await run('detect', async (t) => {
    t.match(await service.post('/detect', USUAL), { status: 200, body: { data: { score: Number } } })
  })
  await run('recommendations', async (t) => {
    t.match(await service.get('/optimize/recommendations'), {
      status: 200,
      body: { data: { recommendations: [{ id }] } },
    })
  })
  await run('train', async (t) => {
    t.match(await service.post('/train', { days: 1 }), REFUSED)
  })
  await run('ingest', async (t) => {
    t.match(await service.post('/ingest/requests', batch()), REFUSED)
  })
  await run('apply', async (t) => {
    t.match(await service.post(`/optimize/recommendations/${id}/apply`), REFUSED)
  })
}
