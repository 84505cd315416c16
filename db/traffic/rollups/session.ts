import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from 'postgres'
import { endWhenSilent, LOCKS, tryLock } from '../../lease.js'
import { openOwnConnection } from '../../own-connection.js'

/** The connection of an update. Its session locks and temporary tables end with it, or at the signal. */
export interface RollupSession {
  readonly sql: Sql
  /** On one snapshot: all statements read the same rows of the traffic table. */
  transaction<T>(work: () => Promise<T>): Promise<T>
}

const SETTINGS = {
  /** How long it waits for a lock of another session on a table. */
  lock_timeout: '10s',
  /** What a sort or a hash table may use before it goes to disk. */
  work_mem: '64MB',
  jit: 'off',
  /** The planner expects one row of a minute without statistics, and would join it row by row. */
  enable_nestloop: 'off',
}

/** Pauses between two attempts to get the lock. */
const MIN_PAUSE_MS = 20
const MAX_PAUSE_MS = 250

/** What is not cancelled by then, since the server is silent, loses its connection. */
const CANCEL_LIMIT_MS = 2_000

/** Runs the work on a connection that holds the advisory lock of the rollups; ends it when the signal says so. */
export async function withRollupSession<T>(
  pool: Sql,
  signal: AbortSignal,
  work: (session: RollupSession) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  const { sql, transaction, close } = openOwnConnection(pool, SETTINGS, signal)
  let backend: number | undefined
  let hangsUp: NodeJS.Timeout | undefined
  const stop = () => {
    if (backend !== undefined) pool`select pg_cancel_backend(${backend})`.catch(() => undefined)
    hangsUp = setTimeout(() => void close(), CANCEL_LIMIT_MS)
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`
    backend = row!.pid
    await endWhenSilent(sql)
    await waitForTurn(sql, signal)
    return await work({
      sql,
      transaction: (inside) => transaction('isolation level repeatable read', inside),
    })
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    signal.removeEventListener('abort', stop)
    clearTimeout(hangsUp)
    await close()
  }
}

/** Asks again and again: a session that waits inside the server would hold back its vacuum. */
async function waitForTurn(sql: Sql, signal: AbortSignal): Promise<void> {
  for (let pauseMs = MIN_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
    if ((await tryLock(sql, LOCKS.rollups)) !== undefined) return
    await delay(pauseMs, undefined, { signal })
  }
}
