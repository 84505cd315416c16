import { randomBytes } from 'node:crypto'
import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sql } from 'postgres'
import type { Test } from 'tap'
import type { Connection } from '../../../db/pool.js'
import { freePort } from '../../e2e/process.js'
import { eventually } from '../../eventually.js'
import { openSql, testDirectory } from '../../postgres.js'
import { listens, ownDirectory, postgresql, run, startDaemon, type Daemon } from './programs.js'

const ADMIN = 'admin'
const PASSWORD = 'secret'

export interface TestDatabase {
  readonly sql: Sql
  readonly connection: Connection
}

/** PostgreSQL 15 as Debian packages it: a server of its own, for as long as the test. */
export interface Cluster {
  readonly data: string
  readonly port: number
  /** A fresh, empty database. */
  createDatabase(t: Test): Promise<TestDatabase>
  /** Ends the server: SIGQUIT as in a crash, SIGINT in order. */
  stop(signal: NodeJS.Signals): Promise<void>
  /** Starts it again, on the same port. */
  start(): Promise<void>
}

export interface ClusterOptions {
  /** Lines of postgresql.conf. */
  readonly settings?: readonly string[]
  /** pg_hba.conf, when it is not the usual one. */
  readonly access?: string
  /** Puts files into the data directory before the server starts. */
  readonly prepare?: (data: string) => Promise<void>
  /** The administrator of the tests connects with TLS. */
  readonly tls?: boolean
}

export async function startCluster(t: Test, options: ClusterOptions = {}): Promise<Cluster> {
  const directory = await testDirectory(t)
  const data = await ownDirectory(join(directory, 'data'))
  const passwordFile = join(directory, 'password')
  await writeFile(passwordFile, `${PASSWORD}\n`)
  await run(postgresql('initdb'), [
    ...[`--pgdata=${data}`, `--username=${ADMIN}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
    ...['--encoding=UTF8', '--locale=C.UTF-8', '--no-sync', '--no-instructions'],
  ])
  await options.prepare?.(data)
  const settings = [...(options.settings ?? []), '']
  await appendFile(join(data, 'postgresql.conf'), settings.join('\n'))
  if (options.access !== undefined) await writeFile(join(data, 'pg_hba.conf'), options.access)
  return runCluster(t, data, options)
}

/** Runs a server on a data directory that exists. */
async function runCluster(
  t: Test,
  data: string,
  { tls = false }: Pick<ClusterOptions, 'tls'> = {},
): Promise<Cluster> {
  const port = await freePort()
  let daemon: Daemon
  const start = async () => {
    const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off']
    const args = settings.flatMap((setting) => ['-c', setting])
    daemon = await startDaemon(t, postgresql('postgres'), ['-D', data, ...args])
    await listens(daemon, port)
    const sql = open('postgres')
    await eventually(() => sql`select 1`.catch(() => undefined), { what: 'an answer of PostgreSQL' })
    await sql.end({ timeout: 1 })
  }
  const server = { host: '127.0.0.1', port, user: ADMIN, password: PASSWORD }
  const open = (database: string) => openSql({ ...server, database }, { ssl: tls && 'require' })
  await start()
  return {
    data,
    port,
    start,
    stop: (signal) => daemon.end(signal),
    createDatabase: async (t) => {
      const database = `test_${randomBytes(6).toString('hex')}`
      const admin = open('postgres')
      await admin`create database ${admin(database)}`
      await admin.end({ timeout: 1 })
      const sql = open(database)
      t.teardown(() => sql.end({ timeout: 1 }))
      return { sql, connection: { ...server, database } }
    },
  }
}

/** A hot standby of a running server: it follows the primary and takes no writes. */
export async function startStandby(t: Test, primary: Cluster): Promise<Cluster> {
  const data = await ownDirectory(join(await testDirectory(t), 'standby'))
  await run(
    postgresql('pg_basebackup'),
    [
      ...[`--pgdata=${data}`, '--host=127.0.0.1', `--port=${primary.port}`, `--username=${ADMIN}`],
      ...['--write-recovery-conf', '--wal-method=stream', '--checkpoint=fast', '--no-sync', '--no-password'],
    ],
    { PGPASSWORD: PASSWORD },
  )
  return runCluster(t, data)
}

/** Waits until the standby has what the primary has committed. */
export async function caughtUp(primary: Sql, standby: Sql): Promise<void> {
  const [row] = await primary<{ lsn: string }[]>`select pg_current_wal_lsn()::text as lsn`
  await eventually(
    async () => {
      const [seen] = await standby<{ there: boolean }[]>`
        select pg_last_wal_replay_lsn() >= ${row!.lsn}::pg_lsn as there`
      return seen!.there
    },
    { what: 'the standby to catch up' },
  )
}

/** A server key and certificate for `localhost` alone, which signs itself. */
export async function makeCertificate(data: string): Promise<string> {
  const [key, certificate] = [join(data, 'server.key'), join(data, 'server.crt')]
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
    ...['-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate],
  ])
  return certificate
}
