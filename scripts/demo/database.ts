import postgres, { type Sql } from 'postgres'
import { startEmbeddedPostgres } from '../../db/embedded/embedded-postgres.js'

/** An empty database on an embedded PostgreSQL of the demo. */
export interface DemoDatabase {
  /** The variables that name it to the service. */
  readonly settings: Readonly<Record<string, string>>
  /** Where the gateway writes its log. */
  readonly sql: Sql
  stop(): Promise<void>
}

const NAME = 'demo'

/** Starts PostgreSQL, and makes the database anew. @throws when another demo runs */
export async function openDatabase(
  dataPath: string,
  onWarning: (message: string) => void,
): Promise<DemoDatabase> {
  const silent = () => undefined
  const warn = (_: object, message: string) => onWarning(message)
  const server = await startEmbeddedPostgres({
    dataPath,
    log: { debug: silent, info: silent, warn, error: warn },
  })
  try {
    const { host, port, user, password } = server.connection
    const options = { host, port, user, password, max: 1, onnotice: () => undefined }
    const admin = postgres({ ...options, database: server.connection.database })
    await admin`drop database if exists ${admin(NAME)} with (force)`
    await admin`create database ${admin(NAME)}`
    await admin.end({ timeout: 5 })
    const sql = postgres({ ...options, database: NAME })
    return {
      settings: {
        POSTGRES_HOST: host,
        POSTGRES_PORT: String(port),
        POSTGRES_USER: user,
        POSTGRES_PASSWORD: password,
        POSTGRES_DB: NAME,
      },
      sql,
      async stop() {
        await sql.end({ timeout: 5 })
        await server.stop()
      },
    }
  } catch (error) {
    await server.stop()
    throw error
  }
}
