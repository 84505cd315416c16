import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from 'postgres'
import { orAborted } from '../or-aborted.js'
import { openBeside } from '../pool.js'

const CANCEL_LIMIT_MS = 2_000

/**
 * The result of a query in the bytes of PostgreSQL's COPY, in pieces of some 64 KiB that need not end with a row.
 * The reader sets the pace: what it has not taken stays in the server.
 *
 * It has a connection of its own, which ends with it: after a COPY the client may leave one paused for good.
 *
 * @param prepare makes the connection ready and gives the text of the query
 * @param signal ends the query, on the server too
 */
export async function* copyOut(
  sql: Sql,
  format: 'csv' | 'text' | 'binary',
  prepare: (connection: Sql) => Promise<string>,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
  signal.throwIfAborted()
  const connection = openBeside(sql, {}, {}, true)
  let backend: number | undefined
  try {
    const [row] = await connection<{ pid: number }[]>`select pg_backend_pid() as pid`
    backend = row!.pid
    const query = await orAborted(prepare(connection), signal)
    const copy = connection.unsafe(`copy (${query}) to stdout (format ${format})`)
    const stream = await orAborted(copy.readable(), signal)
    const abort = () => stream.destroy(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    try {
      yield* stream as AsyncIterable<Buffer>
    } finally {
      signal.removeEventListener('abort', abort)
    }
    backend = undefined // it has done its work
  } finally {
    await connection.end({ timeout: 0 })
    if (backend !== undefined) await cancel(sql, backend)
  }
}

/** A server that sorts does not notice that its client has left. */
async function cancel(sql: Sql, backend: number): Promise<void> {
  const cancelled = sql`select pg_cancel_backend(${backend})`.catch(() => undefined)
  await Promise.race([cancelled, delay(CANCEL_LIMIT_MS, undefined, { ref: false })])
}
