import type { PendingQuery, Row, Sql, TransactionSql } from 'postgres'

/** Every advisory lock of the service is the pair (LOCK_SPACE, one of LOCKS). */
export const LOCK_SPACE = 0x61656769

export const LOCKS = {
  /** Held for life by the service that owns an embedded server, in the database `postgres`. */
  embeddedOwner: 1,
  /** Held while a migration is applied. */
  migrations: 2,
  /** Held by the replica that brings the rollups up to date. */
  rollups: 3,
  /** Held by the replica that trains. */
  training: 4,
  /** Held while the rows of an access log are compared with the traffic table and put into it. */
  importing: 5,
  /** Held while recommendations are saved or decided. */
  recommendations: 6,
  /** Held by the replica that fetches minutes from Prometheus. */
  prometheus: 9,
  /** Held while incidents are written: their revisions are in the order of commits. */
  incidents: 10,
  /** Held by the replica that thins out the watched minutes. */
  watchedMinutes: 11,
  /** Held by the replica that watches. */
  watcher: 12,
  /** Held while notifications are queued, or taken to be sent: those of an incident stay in order. */
  notifications: 15,
} as const

export type Lock = (typeof LOCKS)[keyof typeof LOCKS]

/** A session that is silent for this long has lost its service. */
export const MAX_SILENCE = '15s'

/**
 * Takes a lock if it is free. The connection holds it until it closes.
 *
 * @returns the backend process that holds it now; undefined when another session has it
 */
export async function tryLock(connection: Sql, lock: Lock): Promise<number | undefined> {
  const [row] = await connection<{ taken: boolean; backend: number }[]>`
    select pg_try_advisory_lock(${LOCK_SPACE}, ${lock}) as taken, pg_backend_pid() as backend`
  return row?.taken ? row.backend : undefined
}

/** Whether the connection is still the one that took the lock: the driver replaces a broken one. */
export async function isBackend(connection: Sql | TransactionSql, backend: number): Promise<boolean> {
  const [row] = await connection<{ same: boolean }[]>`select pg_backend_pid() = ${backend} as same`
  return row?.same ?? false
}

/** Waits for a lock and holds it until the transaction ends. */
export function lockInTransaction(tx: Sql | TransactionSql, lock: Lock): PendingQuery<Row[]> {
  return tx`select pg_advisory_xact_lock(${LOCK_SPACE}, ${lock})`
}

/**
 * Makes the server end the session when it is silent for MAX_SILENCE: a replica that hangs, or whose host
 * disappears, gives up its locks.
 */
export async function endWhenSilent(connection: Sql): Promise<void> {
  await connection`select set_config(name, ${MAX_SILENCE}, false) from pg_settings
    where name in ('idle_session_timeout', 'idle_in_transaction_session_timeout')` // the first since PostgreSQL 14
}
