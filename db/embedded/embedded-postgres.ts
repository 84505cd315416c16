import { mkdir, chmod, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { serverAccount } from './account.js'
import { findBinaries } from './binaries.js'
import { SUPERUSER, createCluster, passwordFileOf, readPassword, settlePassword } from './cluster.js'
import { readPostmasterFile, replaceOrphan } from './orphan.js'
import { connectAsOwner, keepOwnership } from './ownership.js'
import type { Connection } from '../pool.js'
import { dataDirectoryOf, exists, settleDataDirectory } from './places.js'
import { startPostmaster } from './postmaster.js'
import { acquireServiceLock, DataPathInUseError } from './service-lock.js'
import type { Log } from '../log.js'
import { makePrivate, newFolderMode } from '../private-files.js'

export interface EmbeddedPostgres {
  readonly connection: Connection
  /** Stops the server in order and frees DATA_PATH; a second call waits for the first. */
  stop(): Promise<void>
}

interface Options {
  dataPath: string
  log: Log
}

const HOST = '127.0.0.1'
const DATABASE = 'aegis'

/**
 * The zero-configuration PostgreSQL below `dataPath`/postgres: created on the first start, supervised, on a free
 * port of the loopback interface. One service at a time.
 * @throws DataPathInUseError when another one lives
 */
export async function startEmbeddedPostgres({ dataPath, log }: Options): Promise<EmbeddedPostgres> {
  const home = await homeOf(dataPath)
  const lock = await acquireServiceLock(home)
  const undo: (() => Promise<void>)[] = [() => lock.release()]
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const connection = await start(home, log, undo)
    let stopped: Promise<void> | undefined
    return { connection, stop: () => (stopped ??= stop()) }
  } catch (error) {
    await stop()
    throw error
  }
}

/**
 * How to connect to the embedded server that a service runs on this `dataPath`.
 * @throws when none runs
 */
export async function readEmbeddedConnection(dataPath: string): Promise<Connection> {
  const home = join(dataPath, 'postgres')
  const password = await readPassword(passwordFileOf(home))
  const running = await readPostmasterFile(await dataDirectoryOf(home))
  if (password !== undefined && running !== undefined && running.port > 0) {
    const connection = { host: HOST, port: running.port, user: SUPERUSER, password, database: DATABASE }
    const sql = connectAsOwner(connection)
    const answers = await sql`select 1`.then(
      () => true,
      () => false,
    )
    await sql.end({ timeout: 1 })
    if (answers) return connection
  }
  throw new Error(`No embedded PostgreSQL runs on ${dataPath}: start the service first.`)
}

async function homeOf(dataPath: string): Promise<string> {
  const home = join(dataPath, 'postgres')
  if (!(await exists(home))) {
    await mkdir(home, { recursive: true })
    // Whatever the umask: the user of PostgreSQL has to pass.
    await chmod(home, newFolderMode())
  }
  await makePrivate(home, /^(?:password|location)$/)
  return realpath(home)
}

async function start(home: string, log: Log, undo: (() => Promise<void>)[]): Promise<Connection> {
  const account = await serverAccount(await dataDirectoryOf(home), log)
  const [dataDirectory, binaries] = await Promise.all([
    settleDataDirectory(home, account, log),
    findBinaries(account, log),
  ])
  const password = await settlePassword(home, dataDirectory)
  const login = { host: HOST, user: SUPERUSER, password, database: DATABASE }
  await replaceOrphan(home, dataDirectory, login, log)
  await createCluster({ dataDirectory, password, binaries, account, log })
  const postmaster = await startPostmaster({ postgres: binaries.postgres, dataDirectory, account, log })
  undo.push(() => postmaster.stop())
  const connection = { ...login, port: postmaster.port }
  await becomeOwner(home, connection, log, undo)
  log.info({ directory: dataDirectory, port: connection.port }, 'embedded PostgreSQL is running')
  return connection
}

async function becomeOwner(
  home: string,
  connection: Connection,
  log: Log,
  undo: (() => Promise<void>)[],
): Promise<void> {
  const ownership = keepOwnership(connection, log)
  undo.push(() => ownership.release())
  const { sql } = ownership
  if (!(await ownership.take())) throw new DataPathInUseError(home, 'connected to its server')
  const [known] = await sql`select 1 from pg_database where datname = ${DATABASE}`
  if (known === undefined) await sql`create database ${sql(DATABASE)}`
}
