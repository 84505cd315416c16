import { readdir } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import fastify, { type FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import t, { type Test } from 'tap'
import type { Connection } from '../../db/pool.js'
import { isDatabaseAway } from '../../db/errors.js'
import config, { loadConfig, type Environment } from '../../plugins/config.js'
import database from '../../plugins/database.js'
import { serversBelow } from '../db/embedded/holder.js'
import { eventually } from '../e2e/eventually.js'
import { testDatabase, testDirectory } from '../postgres.js'
import { switchableProxy } from './switchable-proxy.js'

t.test('without a POSTGRES_ variable the service brings its own server, and takes it away', async (t) => {
  const dataPath = await testDirectory(t)
  const { app } = await build(t, { DATA_PATH: dataPath })
  await app.ready()
  t.equal(app.database.mode, 'embedded')
  await connected(app)
  t.strictSame([...(await app.sql`select count(*)::int as n from request_logs`)], [{ n: 0 }])
  t.equal((await serversBelow(dataPath)).length, 1)
  await app.close()
  t.strictSame(await serversBelow(dataPath), [])
})

t.test('a start that fails later on leaves no server', async (t) => {
  const dataPath = await testDirectory(t)
  const { app } = await build(t, { DATA_PATH: dataPath })
  app.register(
    fp(
      async () => {
        throw new Error('no luck')
      },
      { dependencies: ['database'] },
    ),
  )
  await t.rejects(async () => app.ready(), { message: 'no luck' })
  await app.close()
  t.strictSame(await serversBelow(dataPath), [])
})

t.test('a second service on one DATA_PATH does not start, and the first goes on', async (t) => {
  const dataPath = await testDirectory(t)
  const { app: first } = await build(t, { DATA_PATH: dataPath })
  await first.ready()
  const { app: second } = await build(t, { DATA_PATH: dataPath })
  await t.rejects(async () => second.ready(), { message: /Another aegis-ml service .* is using / })
  await second.close()
  await connected(first)
})

t.test('a server that is away at start, comes, goes and comes back', async (t) => {
  const { sql, connection } = await testDatabase(t)
  const proxy = await switchableProxy(t, connection.port)
  await proxy.close()
  const { app } = await build(t, serverEnvironment(connection, { POSTGRES_PORT: String(proxy.port) }))
  await app.ready()
  t.equal(app.database.mode, 'server')
  t.match(await app.database.status(), /^error: connect ECONNREFUSED/)
  t.ok(isDatabaseAway(await app.sql`select 1`.catch((error: unknown) => error)))

  await proxy.open()
  await eventually(async () => app.database.setupProblem === undefined)
  const { length: n } = await readdir('db/migrations')
  t.strictSame([...(await sql`select count(*)::int as n from aegis_ml_migrations`)], [{ n }])
  await everyPooledConnection(t, app)

  for (let outage = 1; outage <= 2; outage++) {
    await proxy.close()
    await eventually(async () => (await app.database.status()) !== 'connected')
    t.match(await app.database.status(), /^error: /)
    await proxy.open()
    await everyPooledConnection(t, app)
    await connected(app)
  }
})

t.test('a pool that was broken while it was idle works at once', async (t) => {
  const { connection } = await testDatabase(t)
  const proxy = await switchableProxy(t, connection.port)
  const { app } = await build(t, serverEnvironment(connection, { POSTGRES_PORT: String(proxy.port) }))
  await app.ready()
  await everyPooledConnection(t, app)
  await proxy.close()
  await delay(50)
  await proxy.open()
  await everyPooledConnection(t, app)
  await connected(app)
})

t.test('the question for a server that hangs is answered, and asked once for all', async (t) => {
  const { connection } = await testDatabase(t)
  const proxy = await switchableProxy(t, connection.port)
  const { app } = await build(t, serverEnvironment(connection, { POSTGRES_PORT: String(proxy.port) }))
  await app.ready()
  await connected(app)
  proxy.pause()
  const connections = proxy.connections()
  const answers = await Promise.all(Array.from({ length: 50 }, () => app.database.status()))
  t.strictSame([...new Set(answers)], ['error: no answer within 1.5 s'])
  t.equal(await app.database.status(), 'error: no answer within 1.5 s')
  t.equal(proxy.connections(), connections, 'no connection was opened to ask again')
  proxy.resume()
  await connected(app)
})

t.test('a service stops while its server hangs', async (t) => {
  const { connection } = await testDatabase(t)
  const proxy = await switchableProxy(t, connection.port)
  const { app } = await build(t, serverEnvironment(connection, { POSTGRES_PORT: String(proxy.port) }))
  await app.ready()
  proxy.pause()
  const waiting = t.rejects(app.sql`select 1`, { code: 'CONNECTION_DESTROYED' })
  await app.close()
  await waiting
})

t.test('a server on which tables may not be made is reported, and used once they may', async (t) => {
  const { sql, connection } = await testDatabase(t)
  const user = `limited_${connection.database}`
  await sql.unsafe(`create role ${user} login password 'limited'`)
  t.teardown(() => sql.unsafe(`drop owned by ${user}; drop role ${user}`))
  const { app, log } = await build(t, serverEnvironment({ ...connection, user, password: 'limited' }))
  await app.ready()
  await connected(app)
  t.match(app.database.setupProblem, /permission denied for schema public/)
  t.match(log(), /the database cannot be migrated yet.*/)
  await sql.unsafe(`grant create on schema public to ${user}`)
  await eventually(async () => app.database.setupProblem === undefined)
  await app.close()
})

t.test('neither the password nor queries reach the log or the status', async (t) => {
  const { connection } = await testDatabase(t)
  const password = 'a-password-like-no-other'
  const { app, log } = await build(t, serverEnvironment({ ...connection, password }))
  await app.ready()
  const status = await app.database.status()
  t.match(status, /^error: password authentication failed for user/)
  const error: unknown = await app.sql`select ${'a-value-like-no-other'}::text`.catch(
    (error: unknown) => error,
  )
  app.log.error({ err: error }, 'request failed')
  t.match(log(), /request failed/)
  for (const secret of [password, 'a-value-like-no-other', 'select 1', '::text']) {
    t.notOk(`${status} ${log()}`.includes(secret), secret)
  }
})

/** Not in one question: on a busy machine an answer may take longer than its limit. */
async function connected(app: FastifyInstance): Promise<void> {
  await eventually(async () => (await app.database.status()) === 'connected')
}

async function build(t: Test, environment: Environment) {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString())
      done()
    },
  })
  const app = fastify({ logger: { level: 'debug', stream }, pluginTimeout: 60_000 })
  t.teardown(() => app.close())
  app.register(config, { config: loadConfig(environment) })
  app.register(database)
  return { app, log: () => lines.join('') }
}

function serverEnvironment({ host, port, user, password, database }: Connection, others: Environment = {}) {
  return {
    POSTGRES_HOST: host,
    POSTGRES_PORT: String(port),
    POSTGRES_USER: user,
    POSTGRES_PASSWORD: password,
    POSTGRES_DB: database,
    ...others,
  }
}

/** Queries that take every connection of the pool at the same time. */
async function everyPooledConnection(t: Test, app: FastifyInstance): Promise<void> {
  const rows = await Promise.all(
    Array.from(
      { length: 10 },
      () => app.sql<{ pid: number }[]>`select pg_backend_pid() as pid, pg_sleep(0.2)`,
    ),
  )
  t.equal(new Set(rows.map(([row]) => row!.pid)).size, 10)
}
