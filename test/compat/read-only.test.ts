import t from 'tap'
import type { Sql } from 'postgres'
import { insertMinutes } from '../e2e/traffic.js'
import { eventually } from '../eventually.js'
import { testDatabase } from '../postgres.js'
import { testService, trainOnSynthetic, USUAL } from '../service.js'

const REFUSED = { status: 503, body: { code: 'DATABASE_READ_ONLY', message: /accepts no writes now/ } }

/** As an operator, or a provider whose storage is full, does it: for the sessions from now on. */
async function setReadOnly(sql: Sql, database: string, readOnly: boolean): Promise<void> {
  await sql.unsafe('set transaction_read_only = off').catch(() => undefined)
  await sql.unsafe(
    `alter database ${database} set default_transaction_read_only = ${readOnly ? 'on' : 'off'}`,
  )
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`
}

t.test('on a read-only server the service judges and reads on, says so, and recovers', async (t) => {
  const database = await testDatabase(t)
  const { sql, connection } = database
  const operator = await sql.reserve()
  t.teardown(() => operator.release())
  const first = await testService(t, {}, database)
  await trainOnSynthetic(first)
  await insertMinutes(sql, 60)
  t.match(await first.get('/export/training-data?days=1&format=json'), { status: 200 })

  await setReadOnly(operator, connection.database, true)
  const health = async ({ get }: typeof first) => (await get('/health')).body.data
  const isReadOnly = async (service: typeof first) =>
    ((await health(service))['problems'] as string[]).some((problem) => /is read-only/.test(problem))
  await eventually(() => isReadOnly(first))
  t.match(await health(first), { status: 'degraded', database: 'connected' })
  // The service starts where its tables are there already.
  const second = await testService(t, { DATA_PATH: first.dataPath }, database)
  await eventually(() => isReadOnly(second))
  for (const { get, post } of [first, second]) {
    t.match(await post('/detect', USUAL), { status: 200 })
    t.match(await get('/model/versions'), { status: 200 })
    t.match(await get('/optimize/recommendations'), { status: 200 })
    t.match(await get('/train/status'), { status: 200 })
    t.match(await get('/export/training-data?days=1&format=json'), { status: 200 })
    t.match(await get('/health/ready'), { status: 200 })
    const requests = [{ timestamp: new Date().toISOString(), method: 'GET', path: '/a', status_code: 200 }]
    t.match(await post('/ingest/requests', { batch_id: 'a', requests }), REFUSED)
    t.match(await post('/train'), REFUSED)
    t.match(await post('/model/reset'), REFUSED)
  }

  await setReadOnly(operator, connection.database, false)
  for (const service of [first, second]) {
    await eventually(async () => (await health(service))['status'] === 'healthy')
    t.match(await service.post('/train'), { status: 200 })
  }
})

t.test('the time-outs that a role imposes do not end the work of the service', async (t) => {
  const { sql, connection } = await testDatabase(t)
  const user = `hurried_${connection.database}`
  await sql.unsafe(`create role ${user} login password 'hurried'; grant create on schema public to ${user}`)
  t.teardown(() => sql.unsafe(`drop owned by ${user}; drop role ${user}`))
  for (const name of ['statement_timeout', 'idle_in_transaction_session_timeout', 'lock_timeout']) {
    await sql.unsafe(`alter role ${user} set ${name} = '50ms'`)
  }
  const hurried = { ...connection, user, password: 'hurried' }
  const { app, get } = await testService(t, {}, { sql, connection: hurried })
  await eventually(async () => (await get('/health')).body.data['status'] === 'healthy')
  t.match(await app.sql`select pg_sleep(0.2)::text as slept`, [{ slept: '' }])
  t.match(await app.sql`show statement_timeout`, [{ statement_timeout: '0' }])
})
