import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import type postgres from 'postgres'
import tap, { type Test } from 'tap'
import type { Connection } from '../db/pool.js'
import {
  configuredServer,
  connectTo,
  openDirectory,
  relaxDurability,
  startTestServer,
} from './postgres-server.js'

export { connectTo as openSql, silentLog } from './postgres-server.js'

/** A temporary directory that the system user postgres can enter too, removed after the test. */
export async function testDirectory(t: Test): Promise<string> {
  const directory = await openDirectory()
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/**
 * A fresh database, dropped after the test: an empty one, or a copy of another, to which nobody may be connected. It is
 * on the server of the test run or, when a file is run by itself, on one that is started for the process.
 */
export async function testDatabase(
  t: Test,
  template = 'template1',
): Promise<{ sql: postgres.Sql; connection: Connection }> {
  const server = await (sharedServer ??= findServer())
  const admin = connectTo(server)
  const database = `test_${randomBytes(6).toString('hex')}`
  await admin`create database ${admin(database)} template ${admin(template)}`
  const connection = { ...server, database }
  const sql = connectTo(connection)
  t.teardown(async () => {
    await sql.end({ timeout: 1 })
    await admin`drop database ${admin(database)} with (force)`
    await admin.end({ timeout: 1 })
  })
  return { sql, connection }
}

/** The variables that name a database to the service. */
export function databaseEnvironment({ host, port, database, user, password }: Connection) {
  return {
    POSTGRES_HOST: host,
    POSTGRES_PORT: String(port),
    POSTGRES_DB: database,
    POSTGRES_USER: user,
    POSTGRES_PASSWORD: password,
  }
}

let sharedServer: Promise<Connection> | undefined

async function findServer(): Promise<Connection> {
  const configured = configuredServer(process.env)
  if (configured !== undefined) return configured
  const server = await startTestServer()
  tap.teardown(() => server.stop())
  await relaxDurability(server.connection)
  return server.connection
}
