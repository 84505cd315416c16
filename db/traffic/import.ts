import type { Sql } from 'postgres'
import { lockInTransaction, LOCKS } from '../lease.js'
import { orCancelled } from '../or-cancelled.js'
import { openOwnConnection } from '../own-connection.js'
import { copyIn } from './copy-in.js'
import { PieceQueue, type LogPiece } from './import/piece-queue.js'
import { TouchedHours } from './import/touched-hours.js'
import { recordTouchedRange } from './rollups.js'
import type { TrafficTable } from './table.js'
import { timeOf } from './times.js'

export type { LogPiece }

/** The requests of a log on their way into a traffic table. */
export interface LogImport {
  readonly table: TrafficTable
  /** `timestamp` and `request_id` are among them. */
  readonly columns: readonly string[]
  readonly pieces: AsyncIterable<LogPiece>
  /** Ends it; nothing is left in the table. */
  readonly signal: AbortSignal
}

/** How long it waits for a lock of another session. */
const LOCK_TIMEOUT = '10s'

/** Enough for the ids of a few million stored requests. */
const WORK_MEMORY = '128MB'

/**
 * Stores the requests of a log whose request_id the traffic table does not have within the times of the log, and
 * marks their times for the rollups, all in one transaction. Imports run one at a time, so that two of them add nothing
 * twice.
 *
 * Rows outside of the table's times are copied into it directly. From the first piece that overlaps its times, rows
 * are staged, and the new ones are inserted, which takes twice as long.
 *
 * @returns how many rows there were, and how many of them were new
 * @throws PostgresError of the first row that PostgreSQL refuses; the reason of the signal
 */
export async function importRequests(sql: Sql, log: LogImport): Promise<{ rows: number; added: number }> {
  const { table, columns, signal } = log
  signal.throwIfAborted()
  const own = openOwnConnection(sql, {}, signal)
  const tx = own.sql
  const queue = new PieceQueue(log.pieces)
  const touched = new TouchedHours()
  try {
    await tx`begin`
    await orCancelled(lockInTransaction(tx, LOCKS.importing), signal)
    await tx`select set_config('lock_timeout', ${LOCK_TIMEOUT}, true), set_config('work_mem', ${WORK_MEMORY}, true)`
    const isNew = await newTimes(tx, log)
    const direct = queue.takeWhile((piece) => isNew(piece) && touched.add(piece.hours))
    const copied = await copyIn(tx`copy ${tx(table)} (${tx(columns)}) from stdin`, direct, signal)
    const { staged, added } = (await queue.isEmpty()) ? NOTHING : await addStaged(tx, log, queue, touched)
    for (const range of touched.ranges()) await recordTouchedRange(tx, table, range)
    await tx`commit`
    return { rows: copied + staged, added: copied + added }
  } finally {
    queue.end()
    // What is not committed is undone by the end of the connection: a rollback may be asked of one that the server
    // is about to close, and then never be answered.
    await own.close()
  }
}

const NOTHING = { staged: 0, added: 0 }

/** Whether a piece lies before or after all rows of the table. */
async function newTimes(tx: Sql, { table, signal }: LogImport): Promise<(piece: LogPiece) => boolean> {
  const times = tx<{ from: Date | null; to: Date | null }[]>`
    select min("timestamp")::timestamptz as from, max("timestamp")::timestamptz as to from ${tx(table)}`
  const { from, to } = (await orCancelled(times, signal))[0]!
  if (from === null || to === null) return () => true
  // A Date has no microseconds, so that the table may reach a millisecond further.
  return ({ fromMs, toMs }) => toMs < from.getTime() || fromMs > to.getTime() + 1
}

async function addStaged(
  tx: Sql,
  { table, columns, signal }: LogImport,
  queue: PieceQueue,
  touched: TouchedHours,
): Promise<{ staged: number; added: number }> {
  await tx`
    create temporary table aegis_ml_staged on commit drop as
    select ${tx(columns)} from ${tx(table)} with no data`
  const rows = queue.takeWhile(() => true)
  const staged = await copyIn(tx`copy aegis_ml_staged (${tx(columns)}) from stdin`, rows, signal)
  const times = tx<{ from: Date; to: Date }[]>`
    select date_trunc('second', min("timestamp")::timestamptz) as from,
      max("timestamp")::timestamptz + interval '1 second' as to
    from aegis_ml_staged`
  const { from, to } = (await orCancelled(times, signal))[0]!
  const list = tx`${tx(columns)}` // after "insert" the client would take them for values
  const insertion = tx<{ hour: number; added: number }[]>`
    with added as (
      insert into ${tx`${tx(table)}`} (${list})
      select ${list} from aegis_ml_staged staged where not exists (
        select from ${tx(table)} stored
        where stored."timestamp" >= ${from}::timestamptz and stored."timestamp" < ${to}::timestamptz
          and stored.request_id = staged.request_id
      )
      returning "timestamp"
    )
    select floor(extract(epoch from ${timeOf(tx)}) / 3600)::float8 as hour, count(*)::float8 as added
    from added group by 1`
  const hours = await orCancelled(insertion, signal)
  touched.add(hours.map(({ hour }) => hour))
  return { staged, added: hours.reduce((sum, { added }) => sum + added, 0) }
}
