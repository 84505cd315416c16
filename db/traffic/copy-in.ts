import { Writable } from 'node:stream'
import type { PendingQuery, Row, Sql } from 'postgres'
import { openBeside } from '../pool.js'
import { recordTouchedRange } from './rollups/touched-ranges.js'
import type { TrafficTable } from './table.js'

/** Rows on their way into a traffic table. */
export interface RequestCopy {
  readonly table: TrafficTable
  readonly columns: readonly string[]
  /** COPY's text format, cut anywhere; the next piece is asked for when the one before is on its way. */
  readonly rows: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>
  /** Holds the times of all rows; the end is not part of it. */
  readonly range: { readonly from: Date; readonly to: Date }
  /** Ends it; nothing is left in the table. */
  readonly signal: AbortSignal
  /** How long PostgreSQL may take in nothing. */
  readonly timeoutMs: number
}

/** How long a lock of somebody else is waited for. */
const LOCK_TIMEOUT = '10s'

/**
 * Copies rows into a traffic table and marks their range for the rollups, in one transaction: all or nothing.
 *
 * It has a connection of its own, which ends with it. When one breaks, `sql.begin` asks for a rollback on what is no
 * longer there, and that ends the process.
 *
 * @returns how many rows PostgreSQL has taken
 * @throws PostgresError of the first row that it refuses; CopyStalledError; the reason of the signal
 */
export async function copyRequests(sql: Sql, copy: RequestCopy): Promise<number> {
  copy.signal.throwIfAborted()
  const patience = createPatience(copy.timeoutMs)
  let lost = false
  const onclose = () => {
    lost = true
  }
  const connection = openBeside(sql, { onclose })
  /** A new connection would take the place of a lost one, and go on outside of the transaction. */
  const goOn = () => {
    copy.signal.throwIfAborted()
    if (lost) throw new ConnectionLostError('The connection was lost.')
  }
  try {
    const work = copyInTransaction(connection, copy, goOn, patience.renew)
    // With a server that has gone silent there is no end of the work to wait for.
    return await Promise.race([work, patience.over])
  } finally {
    patience.stop()
    await connection.end({ timeout: 0 })
  }
}

async function copyInTransaction(
  connection: Sql,
  { table, columns, range, rows, signal }: RequestCopy,
  goOn: () => void,
  onProgress: () => void,
): Promise<number> {
  await connection`begin`
  goOn()
  await connection`select set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`
  goOn()
  // First, for where it fails it fails at once.
  await recordTouchedRange(connection, table, range)
  goOn()
  const query = connection`copy ${connection(table)} (${connection(columns)}) from stdin`
  const count = await copyIn(query, rows, signal, onProgress)
  goOn()
  await connection`commit`
  return count
}

class ConnectionLostError extends Error {
  readonly code = 'CONNECTION_CLOSED'
}

/** PostgreSQL takes in nothing any more, and says nothing either. */
class CopyStalledError extends Error {
  readonly code = 'ETIMEDOUT'
}

/** `over` rejects with a CopyStalledError when nothing renews it for so long. */
export function createPatience(timeoutMs: number) {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<never>((_, reject) => {
    const message = `PostgreSQL has taken in nothing for ${timeoutMs / 1000} seconds.`
    timer = setTimeout(() => reject(new CopyStalledError(message)), timeoutMs)
  })
  over.catch(() => undefined)
  return { over, renew: () => void timer?.refresh(), stop: () => clearTimeout(timer) }
}

/**
 * Copies rows with a query that reads them from the client, within a transaction.
 *
 * @returns how many rows PostgreSQL has taken
 * @throws PostgresError of the first row that it refuses; the reason of the signal
 */
export async function copyIn(
  query: PendingQuery<Row[]>,
  rows: RequestCopy['rows'],
  signal: AbortSignal,
  onProgress: () => void = () => undefined,
): Promise<number> {
  const { opened, answer } = watch(query)
  const cancel = () => void Promise.resolve(query.cancel()).catch(() => undefined)
  signal.addEventListener('abort', cancel, { once: true })
  try {
    void query.simple().execute()
    const stream = await Promise.race([opened, answer.then(neverBeforeTheRows)])
    try {
      // The answer comes first when PostgreSQL refuses.
      await Promise.race([feed(stream, rows, signal, onProgress), answer])
    } catch (error) {
      stream.destroy(error as Error)
      await answer.catch(() => undefined)
      throw error
    }
    return await answer
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

function neverBeforeTheRows(): never {
  throw new Error('PostgreSQL has answered a COPY before there were rows.')
}

/**
 * postgres.js settles a COPY when its stream opens. What PostgreSQL says at the end – how many rows, or that the last
 * one breaks a constraint – then goes to a promise that is settled already, and the stream never closes. So what it
 * settles the query with is taken over here.
 */
function watch(query: PendingQuery<Row[]>): { opened: Promise<Writable>; answer: Promise<number> } {
  const settled = query as unknown as { resolve(value: unknown): void; reject(error: unknown): void }
  let open: (stream: Writable) => void
  const opened = new Promise<Writable>((resolve) => {
    open = resolve
  })
  const answer = new Promise<number>((resolve, reject) => {
    settled.resolve = (value) => {
      if (value instanceof Writable) open(value)
      else resolve((value as { count: number }).count)
    }
    settled.reject = reject
  })
  answer.catch(() => undefined) // awaited where it is of use
  return { opened, answer }
}

/** Writes the rows and closes the stream; a piece is made when the one before has left. */
async function feed(
  stream: Writable,
  rows: RequestCopy['rows'],
  signal: AbortSignal,
  onProgress: () => void,
): Promise<void> {
  stream.on('error', () => undefined) // PostgreSQL's own words are better
  for await (const piece of rows) {
    signal.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      stream.write(piece, (error) => (error ? reject(error) : resolve()))
    })
    onProgress()
  }
  stream.end()
}
