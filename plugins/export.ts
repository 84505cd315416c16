import fp from 'fastify-plugin'
import type { Sql } from 'postgres'
import { isDatabaseReadOnly } from '../db/errors.js'
import type { Log } from '../db/log.js'
import { bucketRows, updateRollups } from '../db/traffic/rollups.js'
import { exportTraffic, firstRequest } from '../db/traffic/export.js'
import type { TrafficTable } from '../db/traffic/table.js'
import type { Cell } from '../formats/export/column.js'
import { CopyTextRows } from '../formats/export/copy-text.js'
import {
  BUCKET_SECONDS,
  oldMinute,
  TRAINING_DATA_COLUMNS,
  trafficColumns,
  type Bucket,
} from '../formats/export/traffic-columns.js'
import { ServiceError } from './http/errors.js'
import type { CurrentTable } from './traffic-table.js'
import { explainTableError } from './http/table-errors.js'
import { exportText, type ExportFormat } from './export/text.js'
import { timeRange, type RangeRequest } from './http/time-range.js'
import { orAborted } from '../db/or-aborted.js'
import type { PathRules } from '../models/traffic/path-rules.js'
import { DAY_MS } from '../models/traffic/durations.js'

export interface TrainingDataRequest extends RangeRequest {
  readonly bucket: Bucket
  readonly format: ExportFormat
}

export interface Exports {
  /**
   * The traffic of a time range by buckets, in pieces of text that are made as they are taken. It fails before the
   * first piece where it can.
   *
   * @param callerClosed ends the export
   * @throws ServiceError NO_DATA, TRAFFIC_TABLE_UNUSABLE, INVALID_REQUEST, DATABASE_UNAVAILABLE
   */
  trainingData(request: TrainingDataRequest, callerClosed: AbortSignal): Promise<AsyncGenerator<string, void>>
  /** Ends what is under way. */
  close(): void
}

export interface ExportsOptions {
  readonly sql: Sql
  /** The database that has the traffic table. */
  readonly trafficSql: Sql
  /** @throws ServiceError when the database is away */
  readonly assertDatabase: () => Promise<void>
  readonly currentTable: CurrentTable
  readonly retentionDays: number
  readonly lookBackMinutes: number
  readonly pathRules: PathRules
  readonly log: Log
  readonly now: () => Date
}

declare module 'fastify' {
  interface FastifyInstance {
    exports: Exports
  }
}

/** Midnight UTC, where the buckets of every length begin. */
const dayOf = (time: Date) => Math.floor(time.getTime() / DAY_MS) * DAY_MS
const nextDay = (time: Date) => dayOf(time) + DAY_MS

const COLUMNS = trafficColumns('aggregated')

/** @param cell of a column of the traffic */
function trainingDataRow(cell: (name: string) => Cell): Cell[] {
  const minute = oldMinute(cell('time_bucket') as Date)
  return TRAINING_DATA_COLUMNS.map(({ name }) => (name === 'minute' ? minute : cell(name)))
}

const PLACES = new Map<string, number>(COLUMNS.map(({ name }, place) => [name, place]))

interface Selection {
  readonly table: TrafficTable
  readonly from: Date
  readonly to: Date
  readonly bucketSeconds: number
}

function createExports(options: ExportsOptions): Exports {
  const { sql, trafficSql, currentTable, retentionDays, lookBackMinutes, pathRules, log, now } = options
  const stopping = new AbortController()

  const update = shared(async () => {
    const table = await currentTable()
    const options = { trafficSql, table, now: now(), retentionDays, lookBackMinutes, pathRules, log }
    await updateRollups(sql, { ...options, signal: stopping.signal })
  })

  /** From the rollups; for the time before them, from the raw rows. */
  const read = async (
    { table, from, to, bucketSeconds }: Selection,
    signal: AbortSignal,
  ): Promise<Cell[][]> => {
    const rows: Cell[][] = []
    if (from.getTime() < now().getTime() - retentionDays * DAY_MS) {
      const text = new CopyTextRows(COLUMNS)
      const raw = { table, type: 'aggregated', from, to, bucketSeconds } as const
      for await (const piece of exportTraffic(trafficSql, raw, 'text', signal)) {
        for (const row of text.take(piece)) rows.push(trainingDataRow((name) => row[PLACES.get(name)!]!))
      }
    } else {
      for await (const page of bucketRows(sql, table, { from, to }, bucketSeconds, trafficSql)) {
        for (const row of page) rows.push(trainingDataRow((name) => row[name as keyof typeof row]))
      }
    }
    return rows
  }

  /** Day by day, so that a slow reader holds no connection and a fast one little memory. */
  async function* pages({ table, from, to, bucketSeconds }: Selection, signal: AbortSignal) {
    await orAborted(update(), signal).catch((error: unknown) => {
      if (!isDatabaseReadOnly(error)) throw error
      log.warn({ table }, 'the database is read-only; the export has what was rolled up before')
    })
    const first = await orAborted(firstRequest(trafficSql, { table, from, to }), signal)
    if (first === null) return
    // Years without requests are not read day by day.
    for (let start = new Date(Math.max(from.getTime(), dayOf(first))); start < to;) {
      signal.throwIfAborted()
      const end = new Date(Math.min(nextDay(start), to.getTime()))
      const rows = await read({ table, from: start, to: end, bucketSeconds }, signal)
      if (rows.length > 0) yield rows
      start = end
    }
  }

  return {
    async trainingData(request, callerClosed) {
      const range = timeRange(request, now())
      await options.assertDatabase()
      const { bucket, format } = request
      const signal = AbortSignal.any([callerClosed, stopping.signal])
      const table = await currentTable()
      const rest = pages({ table, ...range, bucketSeconds: BUCKET_SECONDS[bucket] }, signal)
      const first = await rest.next().catch((error: unknown) => {
        const problem = `The table ${table} cannot be exported`
        throw explainTableError(error, { code: 'TRAFFIC_TABLE_UNUSABLE', problem })
      })
      if (first.done) throw nothingIn(table, range)
      return exportText(format, TRAINING_DATA_COLUMNS, withFirst(first.value, rest), { bucket, ...range })
    },
    close() {
      stopping.abort(
        new ServiceError('SHUTTING_DOWN', 'The export was stopped because the service is stopping.'),
      )
    },
  }
}

/** The first page, which was taken to see whether there is one, and then the others. */
async function* withFirst<T>(first: T, rest: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  try {
    yield first
    yield* rest
  } finally {
    await rest.return()
  }
}

/**
 * Concurrent callers share a run. A caller that comes while a run is under way gets the next one: the present run may
 * have missed what was written before the caller asked.
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

function nothingIn(table: TrafficTable, { from, to }: { from: Date; to: Date }): ServiceError {
  const message = `There is nothing to export: ${table} has no requests from ${from.toISOString()} to ${to.toISOString()}.`
  return new ServiceError('NO_DATA', message)
}

/** `fastify.exports`. */
export default fp(
  async (app) => {
    const { config, database, sql, trafficSql } = app
    const exports = createExports({
      sql,
      trafficSql,
      assertDatabase: () => database.assertTraffic(),
      currentTable: app.trafficTable,
      retentionDays: config.retentionDays,
      lookBackMinutes: config.lookBackMinutes,
      pathRules: config.pathRules,
      log: app.log,
      now: () => new Date(),
    })
    app.decorate('exports', exports)
    app.addHook('preClose', async () => exports.close())
  },
  { name: 'export', dependencies: ['config', 'database', 'traffic-table'] },
)
