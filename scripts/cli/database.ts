import type { Command } from 'commander'
import type { Sql } from 'postgres'
import { readEmbeddedConnection, startEmbeddedPostgres } from '../../db/embedded/embedded-postgres.js'
import { openPool, type Connection } from '../../db/pool.js'
import { describeDatabaseError } from '../../db/errors.js'
import type { Log } from '../../db/log.js'
import { migrate } from '../../db/migrate.js'
import { loadConfig, processEnvironment, type Config, type Environment } from '../../plugins/config.js'
import { DatabaseError } from './errors.js'
import { wholeNumber } from './options.js'

/** The values of the flags of {@link addDatabaseOptions}. */
export interface DatabaseFlags {
  readonly dbHost?: string
  readonly dbPort?: number
  readonly dbName?: string
  readonly dbUser?: string
  readonly dbPassword?: string
}

export function addDatabaseOptions(command: Command): Command {
  return command
    .optionsGroup(
      'Database (default: the POSTGRES_ variables; if none is set, the embedded database in DATA_PATH):',
    )
    .option('--db-host <host>', 'host name or address')
    .option('--db-port <port>', 'port', wholeNumber('--db-port', { min: 1, max: 65_535 }))
    .option('--db-name <name>', 'database name')
    .option('--db-user <user>', 'user name')
    .option(
      '--db-password <password>',
      'password; set POSTGRES_PASSWORD instead to hide it from other users of the machine',
    )
}

/** The configuration of the service; the flags override the environment. */
export function configOf(flags: DatabaseFlags, environment: Environment = processEnvironment()): Config {
  const given = {
    POSTGRES_HOST: flags.dbHost,
    POSTGRES_PORT: flags.dbPort?.toString(),
    POSTGRES_DB: flags.dbName,
    POSTGRES_USER: flags.dbUser,
    POSTGRES_PASSWORD: flags.dbPassword,
  }
  const set = Object.entries(given).filter(([, value]) => value !== undefined)
  const config = loadConfig({ ...environment, ...Object.fromEntries(set) })
  // Flags name the database that is meant, whatever the environment says about the request log.
  return set.length > 0 ? { ...config, trafficDatabase: null } : config
}

/**
 * Opens a pool on the configured database while the work runs. In embedded mode it uses the PostgreSQL of a running
 * service, or starts one and stops it afterwards.
 *
 * @throws DatabaseError when the embedded PostgreSQL cannot be started
 */
export async function withDatabase<T>(
  { database, dataPath, trafficTimeZone: timeZone }: Config,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  if (database.mode === 'server') return withPool({ ...database, timeZone }, work)
  const running = await readEmbeddedConnection(dataPath).catch(() => undefined)
  return running ? withPool({ ...running, timeZone }, work) : withEmbedded({ dataPath, timeZone }, work)
}

/** As {@link withDatabase}, on the database that has the request log: the one that it is read from. */
export function withTraffic<T>(config: Config, work: (sql: Sql) => Promise<T>): Promise<T> {
  const { trafficDatabase, trafficTimeZone: timeZone } = config
  return trafficDatabase === null
    ? withDatabase(config, work)
    : withPool({ ...trafficDatabase, timeZone }, work)
}

/** @throws DatabaseError TRAFFIC_READ_ONLY when the request log is in another database, which is only read */
export function assertTrafficWritable({ trafficDatabase }: Config): void {
  if (trafficDatabase === null) return
  throw new DatabaseError(
    'TRAFFIC_READ_ONLY: the request log is in another database (TRAFFIC_POSTGRES_…), which is only read. ' +
      'Run this command where that log is owned, or name its database with --db-host and --db-name.',
  )
}

/**
 * As {@link withDatabase}, but no service may use the embedded database meanwhile.
 *
 * @throws DatabaseError when one does
 */
export function withStoppedDatabase<T>(
  { database, dataPath, trafficTimeZone: timeZone }: Config,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  return database.mode === 'server'
    ? withPool({ ...database, timeZone }, work)
    : withEmbedded({ dataPath, timeZone }, work)
}

async function withEmbedded<T>(
  { dataPath, timeZone }: { dataPath: string; timeZone: string },
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const server = await startEmbeddedPostgres({ dataPath, log: SILENT }).catch((error: unknown) => {
    throw new DatabaseError(describeDatabaseError(error), { cause: error })
  })
  try {
    return await withPool({ ...server.connection, timeZone }, async (sql) => {
      await migrate(sql)
      return work(sql)
    })
  } finally {
    await server.stop()
  }
}

const SILENT: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

const POOL = {
  max: 3,
  connect_timeout: 5,
  connection: { application_name: 'aegis-ml script' },
} as const

async function withPool<T>(connection: Connection, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = openPool(connection, POOL)
  try {
    return await work(sql)
  } finally {
    await sql.end({ timeout: 1 })
  }
}
