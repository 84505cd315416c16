import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../db/embedded/embedded-postgres.js'
import type { Connection } from '../db/pool.js'
import type { Log } from '../db/log.js'

// What the test command needs as well: nothing here may import tap, which takes over the process.

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/** A temporary directory that the system user postgres can enter, which one made by mkdtemp alone is not. */
export async function openDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'aegis-ml-test-'))
  await chmod(directory, 0o755)
  return directory
}

export function connectTo(
  { host, port, user, password, database }: Connection,
  changes: postgres.Options<Record<string, never>> = {},
): postgres.Sql {
  const options = { host, port, username: user, password, database, connect_timeout: 60 }
  return postgres({ ...options, max: 5, onnotice: () => undefined, ...changes })
}

/** What a server does so that its data outlives a power failure. */
const DURABILITY = ['fsync', 'synchronous_commit', 'full_page_writes']

/** Makes a throw-away server faster: it need not keep anything. */
export async function relaxDurability(connection: Connection): Promise<void> {
  const sql = connectTo(connection)
  for (const setting of DURABILITY) await sql`alter system set ${sql(setting)} = off`
  await sql`select pg_reload_conf()`
  await sql.end()
}

/** A throw-away server. */
export async function startTestServer(): Promise<EmbeddedPostgres> {
  const directory = await openDirectory()
  const remove = () => rm(directory, { recursive: true, force: true })
  try {
    const server = await startEmbeddedPostgres({ dataPath: directory, log: silentLog })
    return {
      connection: server.connection,
      async stop() {
        await server.stop()
        await remove()
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}

/** The server of the environment variables TEST_POSTGRES_…, undefined when they name none. */
export function configuredServer(environment: NodeJS.ProcessEnv): Connection | undefined {
  const host = environment['TEST_POSTGRES_HOST']
  if (!host) return undefined
  return {
    host,
    port: Number(environment['TEST_POSTGRES_PORT'] || 5432),
    user: environment['TEST_POSTGRES_USER'] || 'aegis_user',
    password: environment['TEST_POSTGRES_PASSWORD'] || 'dev_password',
    database: environment['TEST_POSTGRES_DB'] || 'aegis',
  }
}
