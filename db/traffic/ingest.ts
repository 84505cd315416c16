import type { Sql } from 'postgres'
import { openOwnConnection } from '../own-connection.js'
import { enterBatch, forgetOldBatches, type BatchIdentity } from '../own/ingest-batches.js'
import { copyIn, createPatience } from './copy-in.js'
import { TouchedHours } from './import/touched-hours.js'
import { explainPartitionError } from './partitions.js'
import { refreshTouchedRange } from './rollups.js'
import type { TrafficTable } from './table.js'

/** Requests that a gateway has sent together. */
export interface IngestBatch {
  readonly identity: BatchIdentity
  readonly table: TrafficTable
  readonly columns: readonly string[]
  /** COPY's text format. */
  readonly rows: Iterable<string>
  readonly count: number
  /** The hours that the requests lie in, since 1970. */
  readonly hours: Iterable<number>
  /** Ends it; nothing of the batch is left. */
  readonly signal: AbortSignal
}

/** How long it waits for a lock of another session, and for another batch of the same id. */
const LOCK_TIMEOUT = '10s'

/** How long it waits for a server that does not answer; longer than for a lock. */
const SILENCE_MS = 20_000

/**
 * Copies a batch into the traffic table, once: its id, its rows and the times that are to be rolled up again are one
 * transaction. Of two batches with the same id the second waits for the first, and adds nothing if that is committed.
 *
 * @returns false when a batch of this id is there already
 * @throws NoPartitionError, PostgresError when the table does not take the rows; BatchConflictError; CopyStalledError; the
 * reason of the signal
 */
export async function storeBatch(sql: Sql, batch: IngestBatch): Promise<boolean> {
  const own = openOwnConnection(sql, { lock_timeout: LOCK_TIMEOUT }, batch.signal)
  const patience = createPatience(SILENCE_MS)
  try {
    return await Promise.race([storeOnce(own.sql, batch, patience.renew), patience.over])
  } catch (error) {
    throw explainPartitionError(error)
  } finally {
    patience.stop()
    await own.close() // what is not committed is undone by that
  }
}

async function storeOnce(tx: Sql, batch: IngestBatch, onProgress: () => void): Promise<boolean> {
  const { identity, table, columns, rows, count, hours, signal } = batch
  await tx`begin`
  if (!(await enterBatch(tx, identity, count))) return false
  await copyIn(tx`copy ${tx(table)} (${tx(columns)}) from stdin`, rows, signal, onProgress)
  onProgress()
  await forgetOldBatches(tx)
  // Last, so that the locks on what it removes are held for a moment only.
  const touched = new TouchedHours()
  touched.add(hours)
  for (const range of touched.ranges()) await refreshTouchedRange(tx, table, range)
  onProgress()
  await tx`commit`
  return true
}
