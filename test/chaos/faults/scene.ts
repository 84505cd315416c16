import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Sql } from 'postgres'
import { startEmbeddedPostgres } from '../../../db/embedded/embedded-postgres.js'
import { readPostmasterFile } from '../../../db/embedded/orphan.js'
import { dataDirectoryOf } from '../../../db/embedded/places.js'
import { post, startService, type ServiceProcess } from '../../e2e/process.js'
import { eventually } from '../../eventually.js'
import { anIncident, store } from '../../plugins/incidents/an-incident.js'
import { switchableProxy, type SwitchableProxy } from '../../plugins/switchable-proxy.js'
import { connectTo, silentLog } from '../../postgres-server.js'
import type { Scope } from '../../scope.js'
import { untilReady } from '../ready.js'
import { mountDisk, whyNoMount, type Disk } from './disk.js'

/** A service, its database server behind a proxy, and a disk for each of its folders. */
export interface Scene {
  /** Straight to the server. */
  readonly sql: Sql
  /** The process that the service is now. */
  readonly service: ServiceProcess
  readonly proxy: SwitchableProxy
  readonly disks: { readonly models: Disk; readonly data: Disk; readonly database: Disk }
  /** Starts the service again, as whoever supervises it does. */
  restart(): Promise<void>
  /** The server process of PostgreSQL, and those that it has started. */
  postgres(): Promise<{ postmaster: number; all: number[] }>
  /** Shifts the clock of the service; 0 is the right time. */
  shiftClock(seconds: number): Promise<void>
}

const KILLER = fileURLToPath(new URL('worker-killer.js', import.meta.url))
const FAKETIME = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1',
  '/usr/lib/faketime/libfaketimeMT.so.1',
]
export const INCIDENTS = 4

const faketimeLibrary = (): string | undefined => FAKETIME.find((file) => existsSync(file))

/** Why the faults are left out, or false. Where the project is checked (CI=true) they are not. */
export async function missingForFaults(): Promise<string | false> {
  const library = faketimeLibrary() === undefined ? 'faketime is not installed' : undefined
  const missing = library ?? (await whyNoMount())
  if (missing === undefined) return false
  if (process.env['CI'] === 'true') throw new Error(`${missing}. With CI=true no test is left out.`)
  return missing
}

/** @throws when this user may not mount, or a program is missing */
export async function setScene(scope: Scope, directory: string): Promise<Scene> {
  const missing = await missingForFaults()
  if (missing !== false) throw new Error(missing)
  const library = faketimeLibrary()!
  const disk = (name: string, megabytes: number) => mountDisk(scope, join(directory, name), megabytes)
  const disks = {
    models: await disk('models', 48),
    data: await disk('data', 48),
    database: await disk('database', 320),
  }
  const server = await startEmbeddedPostgres({ dataPath: disks.database.path, log: silentLog })
  scope.teardown(() => server.stop())
  const sql = connectTo(server.connection)
  scope.teardown(() => sql.end({ timeout: 1 }))
  // The disk is small.
  await sql`alter system set max_wal_size = '64MB'`
  await sql`alter system set min_wal_size = '32MB'`
  await sql`select pg_reload_conf()`
  const proxy = await switchableProxy(scope, server.connection.port)
  const clock = join(directory, 'clock')
  const shiftClock = (seconds: number) => writeFile(clock, `${seconds < 0 ? '' : '+'}${seconds}s\n`)
  await shiftClock(0)
  const { database, user, password } = server.connection
  const environment = {
    ...{ POSTGRES_HOST: '127.0.0.1', POSTGRES_PORT: String(proxy.port), POSTGRES_DB: database },
    ...{ POSTGRES_USER: user, POSTGRES_PASSWORD: password, WATCH: 'on' },
    ...{ DATA_PATH: disks.data.path, MODEL_PATH: disks.models.path, NODE_OPTIONS: `--import=${KILLER}` },
    ...{ LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: clock, FAKETIME_CACHE_DURATION: '1' },
    ...{ FAKETIME_DONT_FAKE_MONOTONIC: '1', NO_FAKE_STAT: '1' },
  }
  let service = await startService(scope, environment)
  await untilReady(service)
  await fill(sql, service)
  const dataDirectory = await dataDirectoryOf(join(disks.database.path, 'postgres'))
  return {
    ...{ sql, proxy, disks, shiftClock },
    get service() {
      return service
    },
    async restart() {
      service = await startService(scope, environment)
    },
    async postgres() {
      const { pid } = await eventually(() => readPostmasterFile(dataDirectory), { what: 'a server process' })
      return { postmaster: pid, all: [pid, ...(await childrenOf(pid))] }
    },
  }
}

async function fill(sql: Sql, { url }: ServiceProcess): Promise<void> {
  await store(
    sql,
    Array.from({ length: INCIDENTS }, (_, i) => anIncident({ number: i + 1 })),
  )
  await post(`${url}/generate/synthetic`, { duration_hours: 2, seed: 1 })
  const { status, body } = await post(`${url}/train/synthetic`)
  if (status !== 200) throw new Error(body.message)
}

async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const parents = await Promise.all(
    pids.map(async (pid) => {
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
      return [Number(pid), Number(/^PPid:\s+(\d+)/m.exec(status)?.[1])] as const
    }),
  )
  return parents.filter(([, of]) => of === parent).map(([pid]) => pid)
}
