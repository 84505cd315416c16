import { setTimeout as delay } from 'node:timers/promises'
import postgres, { type Sql, type TransactionSql } from 'postgres'
import { ADVISORY_LOCKS, ADVISORY_LOCK_SPACE } from '../../advisory-locks.js'

/** A connection of the update's own: session locks and temporary tables end with it. */
export interface RollupSession {
  readonly sql: Sql
  /** Ends the update. */
  readonly signal: AbortSignal
  /** One transaction on one snapshot: what several statements read of the traffic table is the same rows. */
  inTransaction<T>(work: (tx: TransactionSql) => Promise<T>): Promise<T>
}

/** How long a lock of somebody else on a table is waited for. */
const LOCK_TIMEOUT = '10s'

/** What a sort or a hash table may use before it goes to disk. */
const WORK_MEM = '64MB'

/** Pauses between two questions whether it is our turn. */
const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 250

/** Runs the work on a connection that holds the advisory lock of the rollups; ends it when the signal says so. */
export async function withRollupSession<T>(
  pool: Sql,
  signal: AbortSignal,
  work: (session: RollupSession) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  // The options of a client are taken as they are when they are handed to another one. Temporary tables come
  // and go, so plans are not kept.
  const options = { ...pool.options, max: 1, idle_timeout: null, max_lifetime: null, prepare: false }
  const sql = postgres(options as unknown as postgres.Options<Record<string, never>>) as Sql
  let stopped: Promise<unknown> | undefined
  let backend: number | undefined
  const stop = () => {
    if (backend === undefined) return
    stopped = pool`select pg_cancel_backend(${backend})`.catch(() => undefined)
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`
    backend = row!.pid
    await waitForTurn(sql, signal)
    return await work({ sql, signal, inTransaction: (inside) => inTransaction(sql, signal, inside) })
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    signal.removeEventListener('abort', stop)
    await stopped
    await sql.end({ timeout: 1 })
  }
}

/** Asks again and again: a session that waits inside the server would hold back its vacuum. */
async function waitForTurn(sql: Sql, signal: AbortSignal): Promise<void> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    signal.throwIfAborted()
    const [row] = await sql<{ ours: boolean }[]>`
      select pg_try_advisory_lock(${ADVISORY_LOCK_SPACE}, ${ADVISORY_LOCKS.rollups}) as ours`
    if (row!.ours) return
    await delay(pauseMs, undefined, { signal })
  }
}

async function inTransaction<T>(
  sql: Sql,
  signal: AbortSignal,
  work: (tx: TransactionSql) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  return (await sql.begin('isolation level repeatable read', async (tx) => {
    await tx`
      select set_config('lock_timeout', ${LOCK_TIMEOUT}, true), set_config('work_mem', ${WORK_MEM}, true),
        set_config('jit', 'off', true)`
    const result = await work(tx)
    signal.throwIfAborted()
    return result
  })) as T
}
