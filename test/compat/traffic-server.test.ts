import type { Sql } from 'postgres'
import t, { type Test } from 'tap'
import type { Connection } from '../../db/pool.js'
import { eventually } from '../eventually.js'
import { openSql, testDatabase } from '../postgres.js'
import { testService, type Service } from '../service.js'
import { cellsOf } from './matrix.js'
import { missingCompatPrograms } from './programs-needed.js'
import { caughtUp, startCluster, startStandby } from './servers/cluster.js'
import { WORK } from './steps.js'
import { WRITTEN, writeTraffic } from './traffic.js'

const skip = missingCompatPrograms('postgres')
const cells = cellsOf('Traffic of another server')

/** The gateway's database, which the service has never seen, with its log. */
async function writeLog(sql: Sql): Promise<void> {
  await sql.unsafe(
    'create table request_logs (id bigserial primary key, "timestamp" timestamptz, method text, path text, status_code int, response_time_ms int, user_id text, ip_address inet, user_agent text, backend_name text, request_id uuid, error_message text)',
  )
  await writeTraffic(sql, { table: 'request_logs' })
}

const environmentOf = ({ host, port, database, user, password }: Connection) => ({
  TRAFFIC_POSTGRES_HOST: host,
  TRAFFIC_POSTGRES_PORT: String(port),
  TRAFFIC_POSTGRES_DB: database,
  TRAFFIC_POSTGRES_USER: user,
  TRAFFIC_POSTGRES_PASSWORD: password,
})

async function everyCell(t: Test, row: string, service: Service, traffic: Sql): Promise<void> {
  const scene = { service, sql: service.sql, table: 'request_logs', traffic } as const
  t.match((await service.get('/health')).body.data, { traffic_database: 'connected', problems: [] })
  for (const step of ['train', 'optimize', 'export'] as const) {
    await cells.cell(t, row, step, (t) => WORK[step](t, scene))
  }
  t.match(
    await service.post('/optimize/backtest', { endpoint: '/api/items/{id}', limit: 5, scope: 'endpoint' }),
    {
      status: 200,
      body: { data: { requests: WRITTEN / 3 } },
    },
  )
  const hourly = await service.app.inject('/export/training-data?days=1&bucket=1h&format=json')
  const buckets = hourly.json<{ data: { total_requests: number; unique_users: number }[] }>().data
  t.ok(
    buckets.some(({ unique_users }) => unique_users === 40),
    'distinct users of an hour come from the log',
  )
  await cells.cell(t, row, 'ingest is refused', async (t) => {
    const request = { timestamp: new Date(Date.now() - 600_000).toISOString(), method: 'GET', path: '/' }
    t.match(await service.post('/ingest/requests', { requests: [{ ...request, status_code: 200 }] }), {
      status: 409,
      body: { code: 'TRAFFIC_READ_ONLY' },
    })
    t.equal((await service.sql`select from request_logs`).count, 0, 'nothing in the own table')
  })
}

t.test('the log is read from a hot standby', { skip }, async (t) => {
  const primary = await startCluster(t)
  const standby = await startStandby(t, primary)
  const gateway = await primary.createDatabase(t)
  await writeLog(gateway.sql)
  const connection = { ...gateway.connection, port: standby.port }
  const replica = openSql(connection)
  t.teardown(() => replica.end({ timeout: 1 }))
  await eventually(() => replica`select 1`.catch(() => undefined), { what: 'the database on the standby' })
  await caughtUp(gateway.sql, replica)
  const service = await testService(t, environmentOf(connection))
  await everyCell(t, 'hot standby', service, gateway.sql)

  await t.test('health says which server is down, and when it is back', async (t) => {
    await standby.stop('SIGINT')
    const { data } = (await service.get('/health')).body
    t.match(data, { database: 'connected', traffic_database: /^error: /, status: 'degraded' })
    t.match(data['problems'], [/^The traffic database/])
    const unavailable = { status: 503, body: { code: 'DATABASE_UNAVAILABLE', message: /traffic database/ } }
    t.match(await service.get('/health/ready'), unavailable)
    t.match(await service.post('/train', { days: 1 }), unavailable)
    t.match(await service.post('/optimize', { endpoint: '/api/items/7', save: true }), { status: 200 })
    await standby.start()
    await eventually(async () => (await service.get('/health')).body.data['status'] === 'healthy', {
      what: 'a healthy service',
    })
    t.match(await service.post('/train', { days: 1 }), { status: 200 })
  })
})

t.test('the log is read by a role that may only read', async (t) => {
  const gateway = await testDatabase(t)
  await writeLog(gateway.sql)
  const role = `reader_${gateway.connection.database}`
  const { sql } = gateway
  await sql.unsafe(`
    create role ${role} login password 'secret';
    alter role ${role} set statement_timeout = '200ms';
    alter role ${role} set search_path = public, pg_temp;
    revoke temporary on database ${gateway.connection.database} from public;
    grant select on request_logs to ${role}`)
  t.teardown(async () => {
    await sql.unsafe(`drop owned by ${role}; drop role ${role}`)
  })
  const service = await testService(
    t,
    environmentOf({ ...gateway.connection, user: role, password: 'secret' }),
  )
  await everyCell(t, 'SELECT-only role', service, sql)
})

t.test('every cell was run', { skip }, async (t) => t.same(cells.left(), []))
