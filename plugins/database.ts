import { setTimeout as delay } from 'node:timers/promises'
import fp from 'fastify-plugin'
import type { Sql } from 'postgres'
import { startEmbeddedPostgres } from '../db/embedded/embedded-postgres.js'
import type { Log } from '../db/log.js'
import { migrate } from '../db/migrate.js'
import { ONE_CONNECTION, openPool, type Connection, type PoolOptions } from '../db/pool.js'
import type { Config, DatabaseConfig } from './config.js'
import { createChecks, type Checks } from './database/checks.js'
import { createMigration } from './database/migration.js'
import { createProbe } from './database/probe.js'
import { openTrafficDatabase, type TrafficDatabase } from './database/traffic.js'
import { ServiceError } from './http/errors.js'

export interface Database {
  readonly mode: DatabaseConfig['mode']
  /** Where the server is, for a worker thread. */
  readonly connection: Connection
  /** The database that has the request log; null when it is this one. */
  readonly traffic: TrafficDatabase | null
  /** Asks the server, for at most 1.5 s. Concurrent callers share the question. */
  status(): Promise<'connected' | `error: ${string}`>
  /** Why the service's own tables are not set up; undefined when they are. */
  readonly setupProblem: string | undefined
  /** What does not work on a server that answers, a sentence each: its tables, reading, writing, listening. */
  readonly problems: readonly string[]
  /** @throws ServiceError DATABASE_UNAVAILABLE unless the status is connected */
  assertConnected(): Promise<void>
  /** As assertConnected, and that the service's own tables exist. */
  assertUsable(): Promise<void>
  /** As assertUsable, and that the request log can be reached. */
  assertTraffic(): Promise<void>
  /** A connection outside the pool. It connects at its first query. Whoever opens it ends it. */
  openConnection(options?: PoolOptions): Sql
}

declare module 'fastify' {
  interface FastifyInstance {
    sql: Sql
    /** The pool of the database that has the request log: `sql`, unless that is another one. */
    trafficSql: Sql
    database: Database
  }
}

const FIRST_MIGRATION_LIMIT_MS = 3_000

/** What is not answered so long after the service has begun to stop fails, so that it can. */
const MAX_CLOSE_MS = 6_000
const LAST_ANSWERS_S = 2

/** A server and the pool on it. */
interface Opened {
  readonly sql: Sql
  readonly connection: Connection
  setupProblem(): string | undefined
  close(): Promise<void>
}

/** Starts the embedded server. One that does not start, or cannot be migrated, ends the start of the service. */
async function openEmbedded({ dataPath, trafficTimeZone: timeZone }: Config, log: Log): Promise<Opened> {
  const server = await startEmbeddedPostgres({ dataPath, log })
  const connection = { ...server.connection, timeZone }
  const sql = openPool(connection)
  const close = async () => {
    await sql.end({ timeout: LAST_ANSWERS_S })
    await server.stop()
  }
  try {
    await migrate(sql)
  } catch (error) {
    await close()
    throw error
  }
  return { sql, connection, setupProblem: () => undefined, close }
}

/** Opens a pool on a server. One that is away is migrated as soon as it is back. */
async function openServer(connection: Connection, log: Log): Promise<Opened> {
  const sql = openPool(connection)
  const migration = createMigration(sql, log)
  await Promise.race([migration.attempt(), delay(FIRST_MIGRATION_LIMIT_MS, undefined, { ref: false })])
  const { host, port, database } = connection
  log.info({ host, port, database }, 'using a PostgreSQL server')
  return {
    sql,
    connection,
    setupProblem: migration.problem,
    async close() {
      migration.stop()
      await sql.end({ timeout: LAST_ANSWERS_S })
    },
  }
}

function open(config: Config, log: Log): Promise<Opened> {
  const { database, trafficTimeZone: timeZone } = config
  return database.mode === 'embedded' ? openEmbedded(config, log) : openServer({ ...database, timeZone }, log)
}

function createDatabase(
  mode: Database['mode'],
  { connection, setupProblem }: Opened,
  ask: () => Promise<string | undefined>,
  checks: Checks,
  traffic: TrafficDatabase | null,
): Database {
  const assertConnected = async () => {
    if ((await ask()) === undefined) return
    const message = 'The database is away. Try again shortly; GET /health says what is wrong with it.'
    throw new ServiceError('DATABASE_UNAVAILABLE', message)
  }
  const assertUsable = async () => {
    await assertConnected()
    const problem = setupProblem()
    if (problem === undefined) return
    const message = `The service cannot set up its tables (${problem}). Grant its role what is missing; it tries again by itself.`
    throw new ServiceError('DATABASE_UNAVAILABLE', message)
  }
  return {
    mode,
    connection,
    traffic,
    get setupProblem() {
      return setupProblem()
    },
    get problems() {
      const problem = setupProblem()
      if (problem === undefined) return checks.problems()
      const advice = 'To fix it, grant its role the missing privileges.'
      return [`The service cannot set up its tables (${problem}). ${advice}`]
    },
    async status() {
      const problem = await ask()
      return problem === undefined ? 'connected' : `error: ${problem}`
    },
    assertConnected,
    assertUsable,
    async assertTraffic() {
      await assertUsable()
      await traffic?.assertConnected()
    },
    openConnection: (options) => openPool(connection, { ...ONE_CONNECTION, ...options }),
  }
}

/** Opens the database that has the request log; null when that is the service's own. */
function openTraffic(config: Config, log: Log): TrafficDatabase | null {
  const { trafficDatabase, trafficTimeZone: timeZone, trafficTable } = config
  if (trafficDatabase === null) return null
  const { host, port, database } = trafficDatabase
  log.info({ host, port, database }, 'the request log is read from another database')
  return openTrafficDatabase({ ...trafficDatabase, timeZone }, trafficTable)
}

/** `fastify.sql`, `fastify.trafficSql` and `fastify.database`. */
export default fp(
  async (app) => {
    const opened = await open(app.config, app.log)
    const probe = createProbe(opened.connection)
    const traffic = openTraffic(app.config, app.log)
    const checks = createChecks(opened.connection, {
      own: true,
      traffic: traffic === null ? app.config.trafficTable : null,
    })
    let giveUp: NodeJS.Timeout | undefined
    app.addHook('preClose', async () => {
      const end = () => [opened.sql, traffic?.sql].map((sql) => sql?.end({ timeout: 0 }))
      giveUp = setTimeout(end, MAX_CLOSE_MS).unref()
    })
    app.addHook('onClose', async () => {
      await traffic?.close()
      await checks.stop()
      await probe.end()
      await opened.close()
      clearTimeout(giveUp)
    })
    const { mode } = app.config.database
    app.decorate('sql', opened.sql)
    app.decorate('trafficSql', traffic?.sql ?? opened.sql)
    app.decorate('database', createDatabase(mode, opened, probe.ask, checks, traffic))
    await Promise.all([checks.first, traffic?.firstCheck])
  },
  { name: 'database', dependencies: ['config'] },
)
