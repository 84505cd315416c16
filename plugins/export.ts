import fp from 'fastify-plugin'
import postgres, { type Sql } from 'postgres'
import { describeDatabaseError, isTableUnusable } from '../db/errors.js'
import type { Log } from '../db/log.js'
import { bucketRows, TrafficTableError, updateRollups } from '../db/queries/rollups.js'
import { exportTraffic } from '../db/queries/traffic-export.js'
import type { TrafficTable } from '../db/queries/traffic.js'
import type { Cell } from '../models/export/column.js'
import { CopyTextRows } from '../models/export/copy-text.js'
import { BUCKET_SECONDS, trafficColumns, type Bucket } from '../models/export/traffic-columns.js'
import { ServiceError } from './errors.js'
import { exportText, type ExportFormat } from './export-text.js'
import { exportRange, type RangeRequest } from './export-range.js'
import { orAborted } from './or-aborted.js'

export interface TrainingDataRequest extends RangeRequest {
  readonly bucket: Bucket
  readonly format: ExportFormat
}

export interface Exports {
  /**
   * The traffic of a range by buckets of time, in pieces of text that are made as they are taken. What is wrong is
   * told before the first.
   *
   * @param signal the caller is gone
   * @throws ServiceError NO_DATA, TRAFFIC_TABLE_UNUSABLE, INVALID_REQUEST, DATABASE_UNAVAILABLE
   */
  trainingData(request: TrainingDataRequest, signal: AbortSignal): Promise<AsyncGenerator<string, void>>
  /** Ends what is under way. */
  close(): void
}

export interface ExportsOptions {
  /** A pool of its own: exports last as long as their readers like. */
  readonly sql: Sql
  /** @throws ServiceError when the database is away */
  readonly assertDatabase: () => Promise<void>
  readonly table: TrafficTable
  readonly retentionDays: number
  readonly lookBackMinutes: number
  readonly log: Log
  readonly now: () => Date
}

declare module 'fastify' {
  interface FastifyInstance {
    exports: Exports
  }
}

const DAY_MS = 86_400_000
const COLUMNS = trafficColumns('aggregated')

interface Selection {
  readonly from: Date
  readonly to: Date
  readonly bucketSeconds: number
}

export function createExports(options: ExportsOptions): Exports {
  const { sql, table, retentionDays, lookBackMinutes, log, now } = options
  const stopping = new AbortController()

  const update = shared(() =>
    updateRollups(sql, { table, now: now(), retentionDays, lookBackMinutes, signal: stopping.signal, log }),
  )

  /** From the rollups; a range that begins before they do is put together from the raw rows. */
  async function* pages(selection: Selection, signal: AbortSignal): AsyncGenerator<Cell[][], void> {
    const { from, to, bucketSeconds } = selection
    if (from.getTime() < now().getTime() - retentionDays * DAY_MS) {
      const rows = new CopyTextRows(COLUMNS)
      const raw = { table, type: 'aggregated', from, to, bucketSeconds } as const
      for await (const piece of exportTraffic(sql, raw, 'text', signal)) yield rows.take(piece)
      return
    }
    await orAborted(update(), signal)
    for await (const rows of bucketRows(sql, table, { from, to }, bucketSeconds)) {
      signal.throwIfAborted()
      yield rows.map((row) => COLUMNS.map(({ name }) => row[name]))
    }
  }

  return {
    async trainingData(request, gone) {
      const range = exportRange(request, now())
      await options.assertDatabase()
      const { bucket, format } = request
      const signal = AbortSignal.any([gone, stopping.signal])
      const rest = pages({ ...range, bucketSeconds: BUCKET_SECONDS[bucket] }, signal)
      const first = await rest.next().catch((error: unknown) => {
        throw explained(error, table)
      })
      if (first.done) throw nothingIn(table, range)
      return exportText(format, COLUMNS, withFirst(first.value, rest), { bucket, ...range })
    },
    close() {
      stopping.abort(new ServiceError('SHUTTING_DOWN', 'The export was stopped, as the service is.'))
    },
  }
}

/** Puts back the page by which it was seen that there is one. */
async function* withFirst<T>(first: T, rest: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  try {
    yield first
    yield* rest
  } finally {
    await rest.return()
  }
}

/**
 * Callers at the same time share a run. One that comes while a run is under way gets the next: what was written
 * before it asked may have come too late for the present one.
 */
function shared(run: () => Promise<void>): () => Promise<void> {
  let present: Promise<void> | undefined
  let next: Promise<void> | undefined
  const start = () => (present = run().finally(() => (present = undefined)))
  return () => {
    if (present === undefined) return start()
    next ??= present
      .catch(() => undefined)
      .then(() => {
        next = undefined
        return start()
      })
    return next
  }
}

function explained(error: unknown, table: TrafficTable): unknown {
  if (!isTableUnusable(error) && !(error instanceof TrafficTableError)) return error
  const message = `The table ${table} cannot be exported: ${describeDatabaseError(error)}`
  return new ServiceError('TRAFFIC_TABLE_UNUSABLE', message, null, { cause: error })
}

function nothingIn(table: TrafficTable, { from, to }: { from: Date; to: Date }): ServiceError {
  const message = `There is nothing to export: ${table} has no requests from ${from.toISOString()} to ${to.toISOString()}.`
  return new ServiceError('NO_DATA', message)
}

const MOST_EXPORTS = 4
const IDLE_S = 30

/** `fastify.exports`. */
export default fp(
  async (app) => {
    const { config, database } = app
    const sql = postgres({ ...(app.sql.options as object), max: MOST_EXPORTS, idle_timeout: IDLE_S })
    const exports = createExports({
      sql,
      assertDatabase: () => database.assertUsable(),
      table: config.trafficTable,
      retentionDays: config.retentionDays,
      lookBackMinutes: config.lookBackMinutes,
      log: app.log,
      now: () => new Date(),
    })
    app.decorate('exports', exports)
    app.addHook('preClose', async () => exports.close())
    app.addHook('onClose', () => sql.end({ timeout: 1 }))
  },
  { name: 'export', dependencies: ['config', 'database'] },
)
