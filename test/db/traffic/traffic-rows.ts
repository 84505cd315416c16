import type { Sql } from 'postgres'
import type { Test } from 'tap'
import { migrate } from '../../../db/migrate.js'
import { updateRollups } from '../../../db/traffic/rollups.js'
import { DURATION_COLUMN, type TrafficTable } from '../../../db/traffic/table.js'
import type { PathRules } from '../../../models/traffic/path-rules.js'
import { createRandom } from '../../../models/statistics/random.js'
import { silentLog } from '../../postgres.js'

export interface TrafficRow {
  timestamp: Date
  method: string | null
  path: string | null
  status_code: number | null
  duration: number | null
  user_id: string | null
  ip_address: string | null
}

export const START = new Date('2026-03-01T10:17:00Z')

/** A request that succeeds, of nobody known. */
export const plain: TrafficRow = {
  timestamp: START,
  method: 'GET',
  path: '/',
  status_code: 200,
  duration: 10,
  user_id: null,
  ip_address: null,
}

export const minutesAfterStart = (minutes: number): Date => new Date(START.getTime() + minutes * 60_000)

/** Traffic with everything that is odd about it, in no order of time. */
export function oddTraffic(count: number, minutes: number, seed: number): TrafficRow[] {
  const random = createRandom(seed)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random.uniform() * values.length)]!
  const id = () => Math.floor(random.uniform() * 1000)
  return Array.from({ length: count }, () => ({
    timestamp: minutesAfterStart(random.uniform() ** 2 * minutes),
    method: pick(['GET', 'get', 'POST', 'PURGE', null]),
    path: pick([
      `/users/${id()}`,
      `/users/${id()}/orders?page=${id()}`,
      '/',
      '',
      null,
      `/${'x/'.repeat(5000)}`,
    ]),
    status_code: pick([200, 200, 201, 204, 301, 404, 429, 500, 503, 0, 600, null]),
    duration: pick([id(), id(), id() * id(), 0, -1, null]),
    user_id: pick(['alice', 'bob', '10.0.0.1', '', null, null]),
    ip_address: pick(['10.0.0.1', '10.0.0.2', '2001:db8::1', null]),
  }))
}

export async function insertTraffic(
  sql: Sql,
  table: TrafficTable,
  rows: readonly TrafficRow[],
): Promise<void> {
  const duration = DURATION_COLUMN[table]
  for (let i = 0; i < rows.length; i += 2000) {
    const page = rows.slice(i, i + 2000).map(({ duration: value, ...row }) => ({ ...row, [duration]: value }))
    await sql`insert into ${sql(table)} ${sql(page)}`
  }
}

export const neverAborted = new AbortController().signal

export interface Changes {
  table?: TrafficTable
  now?: Date
  retentionDays?: number
  lookBackMinutes?: number
  pathRules?: PathRules
  signal?: AbortSignal
  onProgress?: (share: number) => void
  log?: { info(data: object, message: string): void; warn(data: object, message: string): void }
}

/** updateRollups an hour after the start of the traffic, unless told otherwise. */
export function update(sql: Sql, changes: Changes = {}): Promise<void> {
  return updateRollups(sql, {
    table: 'request_logs',
    now: minutesAfterStart(60),
    retentionDays: 90,
    lookBackMinutes: 0,
    signal: neverAborted,
    log: silentLog,
    ...changes,
  })
}

export async function migrated(sql: Sql): Promise<Sql> {
  await migrate(sql)
  return sql
}

/** Everything that is rolled up, by name instead of number, in one order. */
export async function everything(sql: Sql, table: TrafficTable = 'request_logs') {
  const minutes =
    await sql`select * from aegis_ml_rollup_minutes where traffic_table = ${table} order by minute`
  const endpoints = await sql`
    select minute, method, path, requests, latencies, latency_sum, latency_p50, latency_p95, latency_p99,
      status_4xx, status_5xx, errors, histogram
    from aegis_ml_rollup_endpoint_minutes join aegis_ml_rollup_endpoints using (traffic_table, endpoint)
    where traffic_table = ${table} order by 1, 2, 3`
  return { minutes: [...minutes], endpoints: [...endpoints] }
}

export async function emptyRollups(sql: Sql): Promise<void> {
  await sql`
    truncate aegis_ml_rollup_state, aegis_ml_rollup_minutes, aegis_ml_rollup_endpoints,
      aegis_ml_rollup_endpoint_minutes`
}

/** What was rolled up step by step equals what is rolled up at once. */
export async function equalsRebuilt(
  t: Pick<Test, 'ok' | 'same'>,
  sql: Sql,
  now = minutesAfterStart(60),
  retentionDays = 90,
): Promise<void> {
  const found = await everything(sql)
  await emptyRollups(sql)
  await update(sql, { now, retentionDays })
  const whole = await everything(sql)
  t.ok(whole.minutes.length > 0)
  t.same(found.minutes, whole.minutes, 'minutes')
  t.same(found.endpoints, whole.endpoints, 'endpoints')
}

/** The connections that hold the rollup lock of this database. */
export const updateConnections = (sql: Sql) => sql`
  select pid from pg_locks join pg_database on pg_database.oid = database
  where locktype = 'advisory' and objid = 3 and datname = current_database()`

/** `abc` of 12: a name without digits. */
export const word = (i: number) => [...String(i)].map((digit) => 'abcdefghij'[Number(digit)]).join('')

/** The endpoints that have a name. */
export const namedPaths = async (sql: Sql) => {
  const rows = await sql<{ path: string }[]>`
    select path from aegis_ml_rollup_endpoints where endpoint > 0 and state <> 'retired' order by path`
  return rows.map(({ path }) => path)
}
