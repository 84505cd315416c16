import fp from 'fastify-plugin'
import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from 'postgres'
import { isRowRefused } from '../db/errors.js'
import { storeBatch } from '../db/traffic/ingest.js'
import { trafficShape } from '../db/traffic/columns.js'
import type { TrafficTable } from '../db/traffic/table.js'
import { ingestedRows, NEEDED_COLUMNS, type IngestedRequest } from '../db/traffic/rows/ingested-row.js'
import { ServiceError } from './http/errors.js'
import type { CurrentTable } from './traffic-table.js'
import { explainTableError, tableUnusable, type TableFailure } from './http/table-errors.js'
import { fieldName, parseTime, show } from './http/validation.js'
import { DAY_MS, HOUR_MS } from '../models/traffic/durations.js'

/** Requests that a gateway sends together. The schema has checked their form. */
export interface Batch {
  readonly batch_id: string
  readonly requests: readonly IngestedRequest[]
}

export interface Ingest {
  /**
   * Puts the requests into the traffic table, all or nothing, and returns when they are durable.
   *
   * @param lines of an NDJSON body, the line of each request
   * @returns false when a batch of this id is already stored; nothing is added then
   * @throws ServiceError INVALID_REQUEST, BUSY, DATABASE_UNAVAILABLE, TRAFFIC_TABLE_UNUSABLE, SHUTTING_DOWN
   */
  store(batch: Batch, lines?: readonly number[]): Promise<boolean>
  /** Waits a short time for the batches that are under way, then stops them. */
  close(): Promise<void>
}

export interface IngestOptions {
  readonly sql: Sql
  /** @throws ServiceError when the database is away */
  readonly assertDatabase: () => Promise<void>
  readonly currentTable: CurrentTable
  readonly retentionDays: number
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

/** Requests that are formatted at a time. Other requests are answered in between. */
const PIECE = 500

const MAX_CLOSE_MS = 2_000

function createIngest({ sql, assertDatabase, currentTable, retentionDays, now }: IngestOptions): Ingest {
  const stopping = new AbortController()
  const underWay = new Set<Promise<boolean>>()

  const storeTimed = async ({ batch_id, requests }: Batch, times: Float64Array): Promise<boolean> => {
    await assertDatabase()
    const table = await currentTable()
    try {
      const { columns, line } = ingestedRows(table, await trafficShape(sql, table, NEEDED_COLUMNS))
      return await storeBatch(sql, {
        id: batch_id,
        table,
        columns,
        rows: pieces(requests.length, (index) => line(requests[index]!, times[index]!)),
        count: requests.length,
        hours: times.map((timeMs) => Math.floor(timeMs / HOUR_MS)),
        signal: stopping.signal,
      })
    } catch (error) {
      throw explained(error, table)
    }
  }

  return {
    async store(batch, lines) {
      const latestMs = now() + CLOCK_TOLERANCE_MS
      const times = timesOf(batch.requests, { fromMs: now() - retentionDays * DAY_MS, toMs: latestMs }, lines)
      if (underWay.size >= MAX_AT_A_TIME) {
        const message = `${MAX_AT_A_TIME} batches are on their way into the table. Send this one again shortly.`
        throw new ServiceError('BUSY', message)
      }
      const work = storeTimed(batch, times)
      underWay.add(work)
      try {
        return await work
      } finally {
        underWay.delete(work)
      }
    },
    async close() {
      await Promise.race([Promise.allSettled(underWay), delay(MAX_CLOSE_MS, undefined, { ref: false })])
      stopping.abort(new ServiceError('SHUTTING_DOWN', 'The service is stopping. Send this batch again.'))
    },
  }
}

/**
 * The times of the requests, ms since 1970.
 * @throws ServiceError INVALID_REQUEST for one out of the range: rollups would never have it
 */
function timesOf(
  requests: readonly IngestedRequest[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
  lines: readonly number[] | undefined,
): Float64Array {
  const times = Float64Array.from(requests, ({ timestamp }) => parseTime(timestamp) ?? NaN)
  const bad = times.findIndex((timeMs) => !(timeMs >= fromMs && timeMs <= toMs))
  if (bad < 0) return times
  const field = fieldName(['requests', String(bad), 'timestamp'], lines)
  const range = `from ${new Date(fromMs).toISOString()} to ${new Date(toMs).toISOString()}`
  const problem = `is ${show(requests[bad]!.timestamp)}; allowed is a time ${range}`
  throw new ServiceError('INVALID_REQUEST', `${field} ${problem}.`, [{ field, problem }])
}

/** Texts of some lines each, made as they are taken. */
function* pieces(count: number, line: (index: number) => string): Generator<string, void> {
  for (let start = 0; start < count; start += PIECE) {
    let text = ''
    for (let index = start; index < Math.min(start + PIECE, count); index++) text += line(index)
    yield text
  }
}

function explained(error: unknown, table: TrafficTable): unknown {
  const failure: TableFailure = {
    code: 'TRAFFIC_TABLE_UNUSABLE',
    problem: `The table ${table} cannot take the requests`,
  }
  return isRowRefused(error) ? tableUnusable(error, failure) : explainTableError(error, failure)
}

/** `fastify.ingest`. */
export default fp(
  async (app) => {
    const { config, database, sql } = app
    const ingest = createIngest({
      sql,
      assertDatabase: () => database.assertUsable(),
      currentTable: app.trafficTable,
      retentionDays: config.retentionDays,
      now: Date.now,
    })
    app.decorate('ingest', ingest)
    app.addHook('preClose', () => ingest.close())
  },
  { name: 'ingest', dependencies: ['config', 'database', 'traffic-table'] },
)
