import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { readEmbeddedConnection } from '../../db/embedded/embedded-postgres.js'
import { openSql, testDirectory } from '../postgres.js'
import { testService } from '../service.js'
import { cellsOf, STEPS } from './matrix.js'
import { missingCompatPrograms } from './programs-needed.js'
import { makeCertificate, startCluster, type Cluster, type TestDatabase } from './servers/cluster.js'
import { startPgBouncer } from './servers/pgbouncer.js'
import { WORK, type Scene } from './steps.js'
import { writeTraffic } from './traffic.js'

const skip = missingCompatPrograms('postgres', 'pgbouncer', 'openssl')
const servers = cellsOf('Database servers')
const reported = cellsOf('Servers that are reported')

/** TLS alone is let in from anywhere; nothing of the service needs a connection without it. */
const HOSTSSL = 'hostssl all all 127.0.0.1/32 scram-sha-256\n'

type Around = (work: () => Promise<void>) => Promise<void>

async function runRow(
  t: Test,
  row: string,
  scene: Pick<Scene, 'service' | 'sql'>,
  around: Around = (work) => work(),
): Promise<void> {
  await writeTraffic(scene.sql, { table: 'request_logs' })
  for (const step of STEPS) {
    const work = (t: Test) => around(() => WORK[step](t, { ...scene, table: 'request_logs' }))
    await servers.cell(t, row, step, work)
  }
}

t.test('the embedded PostgreSQL, without any configuration', { skip }, async (t) => {
  const dataPath = await testDirectory(t)
  const none = {
    POSTGRES_HOST: '',
    POSTGRES_PORT: '',
    POSTGRES_DB: '',
    POSTGRES_USER: '',
    POSTGRES_PASSWORD: '',
  }
  const unused = { host: '', port: 0, user: '', password: '', database: '' }
  const noSql = openSql(unused)
  const service = await testService(t, { ...none, DATA_PATH: dataPath }, { sql: noSql, connection: unused })
  const sql = openSql(await readEmbeddedConnection(dataPath))
  t.teardown(() => sql.end({ timeout: 1 }))
  await runRow(t, 'embedded PostgreSQL 18', { service, sql })
})

t.test('a server of Debian, reached directly and through PgBouncer', { skip }, async (t) => {
  const cluster = await startCluster(t)

  await t.test('directly', async (t) => {
    const database = await cluster.createDatabase(t)
    const service = await testService(t, {}, database)
    await runRow(t, 'PostgreSQL 15', { service, sql: database.sql })
  })

  await t.test('through PgBouncer as it is configured when it is installed', async (t) => {
    const { sql, connection } = await cluster.createDatabase(t)
    const service = await testService(t, {}, { sql, connection: await startPgBouncer(t, connection) })
    await runRow(t, 'PgBouncer in session mode', { service, sql })
    t.match(await service.get('/health'), { body: { data: { status: 'healthy', problems: [] } } })
  })

  await t.test('through PgBouncer in transaction mode, which is reported', async (t) => {
    const { sql, connection } = await cluster.createDatabase(t)
    const bouncer = await startPgBouncer(t, connection, ['pool_mode = transaction'])
    const service = await testService(t, {}, { sql, connection: bouncer })
    await reported.cell(t, 'PgBouncer in transaction mode', 'health', async (t) => {
      t.match(await service.get('/health'), {
        status: 200,
        body: { data: { status: 'degraded', problems: [/pool_mode = session/] } },
      })
    })
  })

  await t.test('as a role whose timeouts are far too short', async (t) => {
    const database = await impatientRole(t, cluster)
    const service = await testService(t, {}, database)
    await runRow(t, 'timeouts of the role', { service, sql: database.sql }, (work) =>
      busyTable(database, work),
    )
  })
})

const SHORT_MS = 300

/** A role with timeouts such as an administrator sets for all applications, only shorter. */
async function impatientRole(t: Test, cluster: Cluster): Promise<TestDatabase> {
  const { sql, connection } = await cluster.createDatabase(t)
  const role = `role_${randomBytes(4).toString('hex')}`
  await sql.unsafe(`create role ${role} login password 'secret'; grant create on schema public to ${role}`)
  for (const setting of ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']) {
    await sql.unsafe(`alter role ${role} set ${setting} = '${SHORT_MS}ms'`)
  }
  return { sql, connection: { ...connection, user: role, password: 'secret' } }
}

/** Somebody else locks the traffic table while the work begins, for longer than the timeouts of the role. */
async function busyTable({ sql }: TestDatabase, work: () => Promise<void>): Promise<void> {
  let working: Promise<void> | undefined
  await sql.begin(async (tx) => {
    await tx`lock table request_logs in access exclusive mode`
    working = work()
    working.catch(() => undefined) // awaited below
    await delay(3 * SHORT_MS)
  })
  await working
}

t.test('a server that takes connections with TLS alone', { skip }, async (t) => {
  let ca = ''
  const prepare = async (data: string) => void (ca = await makeCertificate(data))
  const cluster = await startCluster(t, { settings: ['ssl = on'], access: HOSTSSL, prepare, tls: true })

  await t.test('whose certificate is not asked for', async (t) => {
    const database = await cluster.createDatabase(t)
    const service = await testService(t, { POSTGRES_SSL: 'require' }, database)
    await runRow(t, 'hostssl only', { service, sql: database.sql })
  })

  const verified = { POSTGRES_SSL: 'verify-full', POSTGRES_SSL_CA: '' }
  await t.test('whose certificate is verified', async (t) => {
    const { sql, connection } = await cluster.createDatabase(t)
    const environment = { ...verified, POSTGRES_SSL_CA: ca }
    const service = await testService(t, environment, {
      sql,
      connection: { ...connection, host: 'localhost' },
    })
    await runRow(t, 'hostssl only, verified certificate', { service, sql })
  })

  await t.test('whose certificate is for another name', async (t) => {
    const database = await cluster.createDatabase(t)
    const service = await testService(t, { ...verified, POSTGRES_SSL_CA: ca }, database)
    await reported.cell(t, 'wrong name in the certificate', 'health', async (t) => {
      const { data } = (await service.get('/health')).body
      t.match(data, { status: 'degraded', database: /certificate/ })
    })
  })
})

t.test('every server that is claimed has been run', { skip }, async (t) => {
  t.same([...servers.left(), ...reported.left()], [])
})
