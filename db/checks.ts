import type { Sql } from 'postgres'
import { setTimeout as delay } from 'node:timers/promises'
import type { TrafficTable } from './traffic/table.js'

/** Whether the server accepts no writes now: a standby, or one that was set read-only, as when its storage is full. */
export async function isReadOnly(sql: Sql): Promise<boolean> {
  const [row] = await sql<[{ readOnly: boolean }]>`
    select current_setting('transaction_read_only')::bool as "readOnly"`
  return row.readOnly
}

/** Fails when the traffic cannot be read. */
export async function readTraffic(sql: Sql, table: TrafficTable): Promise<void> {
  await sql`select "timestamp" from ${sql(table)} limit 1`
}

/** Each part of the service writes one of them. */
const OWN_TABLES = [
  'aegis_ml_ingest_batches',
  'aegis_ml_touched_ranges',
  'aegis_ml_rollup_minutes',
  'aegis_ml_training_jobs',
  'aegis_ml_models',
  'aegis_ml_streams',
  'aegis_ml_incidents',
  'aegis_ml_watched_minutes',
  'aegis_ml_watch_state',
  'aegis_ml_watch_models',
  'aegis_ml_notifications',
]

/** Fails when the service's own tables cannot be written. It changes no row. */
export async function writeOwnTables(sql: Sql): Promise<void> {
  await sql.unsafe(OWN_TABLES.map((table) => `delete from ${table} where false`).join(';'))
}

const ROUNDS = 3

/**
 * Whether two sessions share the connections to the server, as they do behind a PgBouncer in transaction or statement
 * mode: one backend answers both, or one session is answered by several backends.
 *
 * @param open opens a connection; it is told when that is lost
 * @returns undefined when the connections did not last, or the second one got no backend within the limit
 */
export async function sharesBackends(
  open: (onLost: () => void) => Sql,
  limitMs: number,
): Promise<boolean | undefined> {
  let lost = false
  const sessions = [open(() => (lost = true)), open(() => (lost = true))]
  const compare = async (): Promise<boolean> => {
    const backends = sessions.map(() => new Set<number>())
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, session] of sessions.entries()) {
        const [row] = await session<[{ pid: number }]>`select pg_backend_pid() as pid`
        backends[i]!.add(row.pid)
      }
    }
    return new Set(backends.flatMap((pids) => [...pids])).size !== sessions.length
  }
  try {
    const compared = compare()
    compared.catch(() => undefined)
    const result = await Promise.race([compared, delay(limitMs, undefined, { ref: false })])
    return lost ? undefined : result
  } finally {
    await Promise.all(sessions.map((session) => session.end({ timeout: 0 })))
  }
}
