import type { Sql } from 'postgres'
import { openBeside } from './pool.js'

/** A connection outside the pool. Temporary tables, cursors and session locks end with it. */
export interface OwnConnection {
  /** Fails when the connection is lost or the signal is aborted. It never reconnects. */
  readonly sql: Sql
  /** Runs the work in one transaction, begun with these options ("isolation level …"). */
  transaction<T>(options: string, work: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** The server ends the session of a host that has disappeared, and frees what the session held. */
const KEEPALIVE = { tcp_keepalives_idle: '15', tcp_keepalives_interval: '5', tcp_keepalives_count: '3' }

/**
 * This function refuses statements as soon as the connection is closed. postgres.js (3.4.9) would write a statement on
 * a reserved connection or within `begin` to a closed socket, which throws an exception that nobody can catch. Its
 * `begin` does the same when it rolls back. So transactions are plain statements here.
 *
 * @param settings of the session, such as lock_timeout
 */
export function openOwnConnection(
  pool: Sql,
  settings: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): OwnConnection {
  let lost = false
  const options = {
    idle_timeout: null,
    prepare: false, // plans are not kept: the sizes of temporary tables change
    onclose: () => (lost = true),
  }
  const raw = openBeside(pool, options, { ...KEEPALIVE, ...settings })
  const guard = <F extends (...args: never[]) => unknown>(ask: F) =>
    new Proxy(ask, {
      apply(target, self, args) {
        signal?.throwIfAborted()
        if (lost) throw connectionLost()
        return Reflect.apply(target, self, args) as unknown
      },
    })
  const sql = Object.assign(guard(raw), { unsafe: guard(raw.unsafe) })
  return {
    sql,
    async transaction(options, work) {
      await sql.unsafe(`begin ${options}`)
      try {
        const result = await work()
        await sql`commit`
        return result
      } catch (error) {
        if (!lost) await raw`rollback`.catch(() => undefined)
        throw error
      }
    },
    close: () => raw.end({ timeout: 1 }),
  }
}

function connectionLost(): Error {
  return Object.assign(new Error('The connection to the database was lost.'), { code: 'CONNECTION_CLOSED' })
}
