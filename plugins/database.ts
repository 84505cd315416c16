import { setTimeout as delay } from 'node:timers/promises'
import fp from 'fastify-plugin'
import postgres from 'postgres'
import { startEmbeddedPostgres, type Connection } from '../db/embedded/embedded-postgres.js'
import { openDriverSocket } from '../db/driver-socket.js'
import { describeDatabaseError } from '../db/errors.js'
import type { Log } from '../db/log.js'
import { migrate } from '../db/migrate.js'
import { ServiceError } from './http/errors.js'

export interface Database {
  readonly mode: 'embedded' | 'server'
  /** Where the server is, for a thread of its own. */
  readonly connection: Connection
  /** Asks the server, for at most 1.5 s; concurrent callers share the question. */
  status(): Promise<'connected' | `error: ${string}`>
  /** Why the service's own tables are not set up, if they are not. */
  readonly setupProblem: string | undefined
  /** @throws ServiceError DATABASE_UNAVAILABLE unless the status is connected */
  assertConnected(): Promise<void>
  /** As assertConnected, and that the service's own tables are there. */
  assertUsable(): Promise<void>
  /** A connection outside the pool, made when it is first asked; whoever opens it ends it. */
  openConnection(options?: postgres.Options<Record<string, never>>): postgres.Sql
}

declare module 'fastify' {
  interface FastifyInstance {
    sql: postgres.Sql
    database: Database
  }
}

const POOL_SIZE = 10
const FIRST_MIGRATION_LIMIT_MS = 3_000
const MIGRATION_INTERVAL_MS = 2_000
const ANSWER_LIMIT_MS = 1_500
const PROBE_LIMIT_MS = 10_000

/**
 * `fastify.sql` and `fastify.database`. An embedded server that does not start ends the start; a server that is
 * away does not: its tables are made as soon as it is there.
 */
export default fp(
  async (app) => {
    const { log } = app
    const { database, dataPath } = app.config
    if (database.mode === 'embedded') {
      const server = await startEmbeddedPostgres({ dataPath, log })
      const sql = connect(server.connection)
      const probe = createProbe(server.connection)
      const stop = async () => {
        await Promise.all([sql.end({ timeout: 5 }), probe.end()])
        await server.stop()
      }
      app.addHook('onClose', stop)
      try {
        await migrate(sql)
      } catch (error) {
        await stop()
        throw error
      }
      decorate(sql, server.connection, probe.ask, () => undefined)
    } else {
      const sql = connect(database)
      const probe = createProbe(database)
      const migration = createMigration(sql, log)
      app.addHook('onClose', async () => {
        migration.stop()
        await Promise.all([sql.end({ timeout: 5 }), probe.end()])
      })
      await Promise.race([migration.attempt(), delay(FIRST_MIGRATION_LIMIT_MS, undefined, { ref: false })])
      decorate(sql, database, probe.ask, migration.problem)
      log.info(
        { host: database.host, port: database.port, database: database.database },
        'using a PostgreSQL server',
      )
    }

    function decorate(
      sql: postgres.Sql,
      connection: Connection,
      problem: () => Promise<string | undefined>,
      setupProblem: () => string | undefined,
    ) {
      const assertConnected = async () => {
        if ((await problem()) === undefined) return
        const message = 'The database is away. Try again shortly; GET /health says what is wrong with it.'
        throw new ServiceError('DATABASE_UNAVAILABLE', message)
      }
      app.decorate('sql', sql)
      app.decorate('database', {
        mode: database.mode,
        connection,
        get setupProblem() {
          return setupProblem()
        },
        async status() {
          const found = await problem()
          return found === undefined ? 'connected' : `error: ${found}`
        },
        assertConnected,
        async assertUsable() {
          await assertConnected()
          const found = setupProblem()
          if (found === undefined) return
          const message = `The service cannot set up its tables (${found}). Grant its role what is missing; it tries again by itself.`
          throw new ServiceError('DATABASE_UNAVAILABLE', message)
        },
        openConnection: (options) => connect(connection, { max: 1, max_lifetime: null, ...options }),
      })
    }
  },
  { name: 'database', dependencies: ['config'] },
)

/**
 * For a connection that is given up when it hangs. The driver asks for the types of arrays before the first query;
 * an end in the middle of that would be an exception that nobody can catch.
 */
export const WATCHING = { max: 1, max_lifetime: null, fetch_types: false } as const

/** A pool that connects when it is asked and, after an outage, at the next query. */
function connect(
  { host, port, database, user, password }: Connection,
  changes: postgres.Options<Record<string, never>> = {},
): postgres.Sql {
  const options = {
    host,
    port,
    database,
    username: user,
    password,
    max: POOL_SIZE,
    connect_timeout: 4,
    backoff: () => 0.5,
    onnotice: () => undefined,
    connection: { application_name: 'aegis-ml' },
    socket: openDriverSocket,
    ...changes,
  }
  return postgres(options)
}

/**
 * Asks whether the server answers, on a connection of its own: a pool busy with long queries is no outage. What
 * hangs (a stopped process, a cable that was pulled) is waited for by all, and after a while asked anew.
 */
function createProbe(connection: Connection) {
  let sql = connect(connection, WATCHING)
  let running: Promise<string | undefined> | undefined

  async function probe(): Promise<string | undefined> {
    const asked = sql
    const giveUp = setTimeout(() => {
      sql = connect(connection, WATCHING)
      void asked.end({ timeout: 0 })
    }, PROBE_LIMIT_MS).unref()
    try {
      await asked`select 1`
      return undefined
    } catch (error) {
      return describeDatabaseError(error)
    } finally {
      clearTimeout(giveUp)
      running = undefined
    }
  }

  return {
    /** What is wrong, if anything. */
    ask(): Promise<string | undefined> {
      running ??= probe()
      const silence = `no answer within ${ANSWER_LIMIT_MS / 1000} s`
      return Promise.race([running, delay(ANSWER_LIMIT_MS, silence, { ref: false })])
    },
    end: () => sql.end({ timeout: 1 }),
  }
}

/** Tries to migrate until it is done, and says why it is not. */
function createMigration(sql: postgres.Sql, log: Log) {
  let problem: string | undefined = 'not applied yet'
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  async function attempt(): Promise<void> {
    try {
      const applied = await migrate(sql)
      problem = undefined
      log.info({ applied }, 'the database is up to date')
    } catch (error) {
      if (stopped) return
      const reason = describeDatabaseError(error)
      if (reason !== problem) log.warn({ reason }, 'the database cannot be migrated yet; trying again')
      problem = reason
      timer = setTimeout(() => void attempt(), MIGRATION_INTERVAL_MS).unref()
    }
  }

  return {
    attempt,
    problem: () => problem,
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
