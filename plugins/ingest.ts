import fp from 'fastify-plugin'
import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from 'postgres'
import { isRowRefused } from '../db/errors.js'
import { BatchConflictError, type BatchIdentity } from '../db/own/ingest-batches.js'
import { trafficShape } from '../db/traffic/columns.js'
import { storeBatch } from '../db/traffic/ingest.js'
import { NoPartitionError, timesOutsidePartitions } from '../db/traffic/partitions.js'
import { readStoredRules } from '../db/own/path-rules.js'
import type { PathRules } from '../models/traffic/path-rules.js'
import { ingestedRows, NEEDED_COLUMNS, type IngestedRequest } from '../db/traffic/rows/ingested-row.js'
import type { TrafficTable } from '../db/traffic/table.js'
import type { PresetName } from '../formats/ingest/presets.js'
import { mappedRows, RowProblem, strictRows, type RowReason } from '../formats/ingest/row-reader.js'
import { DAY_MS, HOUR_MS } from '../models/traffic/durations.js'
import { ServiceError } from './http/errors.js'
import { refuseTraffic } from './database/traffic.js'
import type { CurrentTable } from './traffic-table.js'
import { explainTableError, tableUnusable, type TableFailure } from './http/table-errors.js'
import { batchIdentity } from './ingest/batch-identity.js'
import { IngestTally, type IngestCounts } from './ingest/counts.js'
import { pieces } from './ingest/pieces.js'
import { receive, rowFailure, type Received } from './ingest/receive.js'
import { Skipped, type SkippedReason, type SkippedRow } from './ingest/skipped.js'
import { fieldMap } from './ingest/request-map.js'
import { createSlots } from './workers/slots.js'

/** How a body is to be read. */
export interface IngestRequest {
  /** The content type says that it is NDJSON. */
  readonly isNdjson: boolean
  readonly batchId: string | undefined
  readonly source: string | undefined
  /** The source of a batch that names this one, or none. @throws ServiceError for one that its sender may not report */
  readonly sourceFor: (named: string | undefined) => string | undefined
  readonly idempotencyKey: string | undefined
  readonly onInvalid: 'reject' | 'skip'
  readonly preset: PresetName | undefined
  /** See `createFieldMap`. */
  readonly map: string | undefined
}

export interface IngestOutcome {
  readonly batchId: string
  readonly source: string
  /** How many requests were added. */
  readonly accepted: number
  /** The batch was stored before; nothing was added. */
  readonly duplicate: boolean
  readonly skipped: number
  readonly skippedReasons: SkippedReason[]
  /** The first of them. */
  readonly skippedRows: SkippedRow[]
  readonly unknownFields: readonly string[]
}

/** Requests that are stored together. Every value is one that the interface allows. */
export interface Batch {
  readonly identity: BatchIdentity
  readonly requests: readonly IngestedRequest[]
}

export interface StoredWithin {
  /** False when this batch is already stored; nothing is added then. */
  readonly stored: boolean
  /** Indexes of the requests that no partition takes. */
  readonly outside: readonly number[]
}

export interface Ingest {
  readonly counts: IngestCounts
  /** Counts requests that another interface refuses. */
  countRefused(reason: RowReason, count: number): void
  /**
   * Reads requests and puts them into the traffic table, in one transaction. It returns when they are durable.
   *
   * @throws ServiceError INVALID_REQUEST, INVALID_JSON, BATCH_CONFLICT, BODY_TOO_LARGE, BUSY, DATABASE_UNAVAILABLE,
   * TRAFFIC_TABLE_UNUSABLE, TRAFFIC_READ_ONLY, SHUTTING_DOWN
   */
  receive(body: AsyncIterable<Buffer>, request: IngestRequest): Promise<IngestOutcome>
  /**
   * Stores requests that were read elsewhere, except those that no partition takes.
   * @throws ServiceError as above
   */
  storeWithin(batch: Batch): Promise<StoredWithin>
  /** Waits a short time for the batches that are under way, then stops them. */
  close(): Promise<void>
}

export interface IngestOptions {
  readonly sql: Sql
  /** @throws ServiceError when the database is away */
  readonly assertDatabase: () => Promise<void>
  readonly currentTable: CurrentTable
  /** The request log is in another database, which is only read. */
  readonly isReadOnly: boolean
  readonly retentionDays: number
  /** In force unless others are stored. */
  readonly pathRules: PathRules
  readonly now: () => number
}

declare module 'fastify' {
  interface FastifyInstance {
    ingest: Ingest
  }
}

/** The clock of a gateway may be ahead by this. */
const CLOCK_TOLERANCE_MS = 5 * 60_000

/** Each batch takes a connection. */
const MAX_AT_A_TIME = 4
const MAX_WAITING = 16
const MAX_WAIT_MS = 2_000

/** Of all bodies that are read or wait, after decompression. */
const MAX_HELD_BYTES = 256 << 20

const MAX_CLOSE_MS = 2_000

function createIngest(options: IngestOptions): Ingest {
  const { sql, assertDatabase, currentTable, isReadOnly, retentionDays, now } = options
  const stopping = new AbortController()
  const underWay = new Set<Promise<boolean>>()
  const slots = createSlots(MAX_AT_A_TIME, MAX_WAITING, MAX_WAIT_MS)
  const tally = new IngestTally()
  let held = 0

  const write = async ({ identity, requests }: Batch): Promise<boolean> => {
    await assertDatabase()
    const table = await currentTable()
    try {
      const rules = (await readStoredRules(sql))?.rules ?? options.pathRules
      const shape = await trafficShape(sql, table, NEEDED_COLUMNS)
      const { columns, line } = ingestedRows(table, shape, rules.host)
      return await storeBatch(sql, {
        identity,
        table,
        columns,
        rows: pieces(requests.length, (index) => line(requests[index]!, requests[index]!.timestamp)),
        count: requests.length,
        hours: requests.map(({ timestamp }) => Math.floor(timestamp / HOUR_MS)),
        signal: stopping.signal,
      })
    } catch (error) {
      throw explained(error, table)
    }
  }

  const store = async (batch: Batch): Promise<boolean> => {
    const giveBack = await slots.take()
    if (giveBack === undefined) {
      throw busy(`${MAX_AT_A_TIME} batches are on their way into the table.`)
    }
    const work = write(batch)
    underWay.add(work)
    try {
      return await work
    } finally {
      underWay.delete(work)
      giveBack()
    }
  }

  /** A partition may have gone since it was looked for. */
  const storeAgain = (batch: Batch, table: TrafficTable) =>
    store(batch).catch((error: unknown) => {
      throw error instanceof NoPartitionError ? tableUnusable(error.cause, failureOf(table)) : error
    })

  /** Stores the requests that a partition takes; `outside` has the indexes of the others. */
  const storeWithin = async ({ identity, requests }: Batch): Promise<StoredWithin> => {
    if (isReadOnly) refuseTraffic()
    try {
      return { stored: requests.length > 0 && (await store({ identity, requests })), outside: [] }
    } catch (error) {
      if (!(error instanceof NoPartitionError)) throw error
      const table = await currentTable()
      const times = requests.map(({ timestamp }) => timestamp)
      const outside = await timesOutsidePartitions(sql, table, times)
      if (outside.length === 0) throw tableUnusable(error.cause, failureOf(table))
      const without = new Set(outside)
      const inside = requests.filter((_, index) => !without.has(index))
      const stored = inside.length > 0 && (await storeAgain({ identity, requests: inside }, table))
      return { stored, outside }
    }
  }

  /** Stores the rows; those without a partition are bad rows like others. */
  const storeReceived = async (
    identity: BatchIdentity,
    { rows, kind, numbers, skipped }: Received,
    onInvalid: IngestRequest['onInvalid'],
  ) => {
    const place = (index: number) => ({ kind, number: numbers[index]! })
    const problem = async (index: number) => noPartition(await currentTable(), rows[index]!.timestamp)
    if (onInvalid === 'skip') {
      const { stored, outside } = await storeWithin({ identity, requests: rows })
      for (const index of outside) skipped.add(place(index), await problem(index))
      return { stored, count: rows.length - outside.length }
    }
    try {
      return { stored: rows.length > 0 && (await store({ identity, requests: rows })), count: rows.length }
    } catch (error) {
      if (error instanceof NoPartitionError) throw rowFailure(place(error.index), await problem(error.index))
      throw error
    }
  }

  const receiveBatch: Ingest['receive'] = async (body, request) => {
    if (isReadOnly) refuseTraffic()
    const range = { fromMs: now() - retentionDays * DAY_MS, toMs: now() + CLOCK_TOLERANCE_MS }
    const isStrict = request.map === undefined && request.preset === undefined
    let bytes = 0
    try {
      const received = await receive(body, {
        isNdjson: request.isNdjson,
        isStrict,
        readRow: isStrict ? strictRows(range) : mappedRows(range, fieldMap(request.map, request.preset)),
        onInvalid: request.onInvalid,
        onBytes(more) {
          bytes += more
          held += more
          if (held > MAX_HELD_BYTES) throw busy('Too many batches arrive at the same time.')
        },
      })
      const identity = batchIdentity({
        batchIds: [received.batchId, request.batchId],
        sources: [received.source, request.source],
        sourceFor: request.sourceFor,
        idempotencyKey: request.idempotencyKey,
        hash: received.hash,
      })
      const { stored, count } = await storeReceived(identity, received, request.onInvalid)
      return outcomeOf(identity, received, stored, count)
    } finally {
      held -= bytes
    }
  }

  return {
    counts: tally,
    countRefused: (reason, count) => tally.addRefused(reason, count),
    async storeWithin(batch) {
      const done = await tally.orRefused(storeWithin(batch))
      const inside = batch.requests.length - done.outside.length
      if (inside > 0) tally.addBatch(done.stored ? 'stored' : 'duplicate', done.stored ? inside : 0)
      return done
    },
    async receive(body, request) {
      const outcome = await tally.orRefused(receiveBatch(body, request))
      tally.addBatch(outcome.duplicate ? 'duplicate' : 'stored', outcome.accepted)
      for (const { reason, count } of outcome.skippedReasons) tally.addRefused(reason, count)
      return outcome
    },
    async close() {
      await Promise.race([Promise.allSettled(underWay), delay(MAX_CLOSE_MS, undefined, { ref: false })])
      stopping.abort(new ServiceError('SHUTTING_DOWN', 'The service is stopping. Send this batch again.'))
    },
  }
}

function outcomeOf(
  { id, source }: BatchIdentity,
  { skipped, unknownFields }: { readonly skipped: Skipped; readonly unknownFields: readonly string[] },
  stored: boolean,
  count: number,
): IngestOutcome {
  return {
    batchId: id,
    source,
    accepted: stored ? count : 0,
    duplicate: !stored && count > 0,
    skipped: skipped.count,
    skippedReasons: skipped.reasons,
    skippedRows: skipped.rows,
    unknownFields,
  }
}

function noPartition(table: TrafficTable, timeMs: number): RowProblem {
  const allowed = `a time for which the table ${table} has a partition`
  return new RowProblem('timestamp', 'no_partition', new Date(timeMs).toISOString(), allowed)
}

function busy(reason: string): ServiceError {
  return new ServiceError('BUSY', `${reason} Send this one again shortly.`)
}

const failureOf = (table: TrafficTable): TableFailure => ({
  code: 'TRAFFIC_TABLE_UNUSABLE',
  problem: `The table ${table} cannot take the requests`,
})

function explained(error: unknown, table: TrafficTable): unknown {
  if (error instanceof NoPartitionError) return error
  if (error instanceof BatchConflictError) {
    const message =
      'A batch with this batch_id and other content is stored. Send the same content again, or choose a new batch_id.'
    return new ServiceError('BATCH_CONFLICT', message)
  }
  return isRowRefused(error)
    ? tableUnusable(error, failureOf(table))
    : explainTableError(error, failureOf(table))
}

/** `fastify.ingest`. */
export default fp(
  async (app) => {
    const { config, database, sql } = app
    const ingest = createIngest({
      sql,
      assertDatabase: () => database.assertUsable(),
      currentTable: app.trafficTable,
      isReadOnly: database.traffic !== null,
      retentionDays: config.retentionDays,
      pathRules: config.pathRules,
      now: Date.now,
    })
    app.decorate('ingest', ingest)
    app.addHook('preClose', () => ingest.close())
  },
  { name: 'ingest', dependencies: ['config', 'database', 'traffic-table'] },
)
