import postgres, { type Sql } from 'postgres'
import { openDriverSocket } from './driver-socket.js'

/** A connection beside the pool, for what lives as long as it does: temporary tables, cursors, session locks. */
export interface OwnConnection {
  /** Fails when the connection is lost or the signal aborted; it never connects anew. */
  readonly sql: Sql
  /** What the work asks is one transaction, begun with these options ("isolation level …"). */
  transaction<T>(options: string, work: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** The server ends the session of a host that is gone without a word, and with it what the session held. */
const KEEPALIVE = { tcp_keepalives_idle: '15', tcp_keepalives_interval: '5', tcp_keepalives_count: '3' }

/**
 * Statements are refused by us as soon as the connection is closed. Left to postgres.js (3.4.9), one on a reserved
 * connection or within `begin` would be written to a socket that is no more, an exception that nobody can catch;
 * `begin` does so itself, as it rolls back. So transactions are plain statements here.
 *
 * @param settings of the session, such as lock_timeout
 */
export function openOwnConnection(
  pool: Sql,
  settings: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): OwnConnection {
  let lost = false
  // The options of a client are taken as they are when they are handed to another one. Plans are not kept: the
  // sizes of temporary tables change.
  const options = {
    ...pool.options,
    ...{ max: 1, idle_timeout: null, max_lifetime: null, prepare: false, onclose: () => (lost = true) },
    connection: { ...pool.options.connection, ...KEEPALIVE, ...settings },
    // Whatever the pool uses: with a plain socket, the rollback after a reset connection would never be answered.
    socket: openDriverSocket,
  }
  const raw = postgres(options as unknown as postgres.Options<Record<string, never>>) as Sql
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
