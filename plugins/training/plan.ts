import { access } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Sql } from 'postgres'
import type { Log } from '../../db/log.js'
import { markedMinutes } from '../../db/own/incident-minutes.js'
import { historyGaps, type HistoryGaps } from '../../db/traffic/history-gaps.js'
import { hasRows } from '../../db/traffic/has-rows.js'
import { minuteFigures, updateRollups } from '../../db/traffic/rollups.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import type { CalendarEntry } from '../../models/anomaly/calendar.js'
import type { History } from '../../models/anomaly/regular-history.js'
import { REPLAYED_DAYS } from '../../models/stream/comparison/comparison.js'
import type { Marks } from '../../models/stream/comparison/marked-incidents.js'
import { DAY_MS, MINUTE_MS } from '../../models/traffic/durations.js'
import { ServiceError } from '../http/errors.js'
import { timeRange, type RangeRequest } from '../http/time-range.js'
import { parseTime } from '../http/validation.js'
import { MODEL_NAMES, type ModelName } from '../model-registry.js'
import type { Prometheus } from '../prometheus.js'
import type { PathRules } from '../../models/traffic/path-rules.js'
import type { DetectorTask } from './detector-worker.js'
import type { OptimizerTask } from './optimizer-worker.js'
import { SEED, type TrainingOrigin } from './result.js'

/** The least that an automatic training learns from. */
export const MIN_AUTOMATIC_MINUTES = 50

export interface TrainingRequest extends RangeRequest {
  readonly contamination?: number | undefined
  /** Length of the rows of the detector; a minute when left out. */
  readonly intervalSeconds?: number | undefined
  /** All of them unless some are named. */
  readonly models?: readonly ModelName[] | undefined
  /** Where the minutes of the detector come from; see `sourceOf`. */
  readonly source?: 'table' | 'prometheus' | undefined
  /** Intervals to leave out, such as known incidents; ISO-8601. */
  readonly exclude?: readonly { readonly from: string; readonly to: string }[]
}

/** What a run does: how it gets its samples, and what it records about them. */
export interface Plan {
  /** The request, as the job shows it. */
  readonly request: object
  readonly contamination: number
  /** Length of the rows of the detector; that of the samples when left out. */
  readonly intervalSeconds?: number | undefined
  readonly origin: TrainingOrigin
  /** Where the requests of the optimizer come from. */
  readonly requestOrigin: TrainingOrigin
  /** Brings the rollups up to date. */
  prepare(signal: AbortSignal, onProgress: (share: number) => void): Promise<void>
  /** Reads the samples of the detector; null when the request does not name it. */
  readonly samples: ((signal: AbortSignal) => Promise<DetectorTask['source']>) | null
  /** Known holidays and maintenance, which are not judged. */
  readonly calendar: readonly CalendarEntry[]
  /** What people marked in the time of the samples and of the replay; null when the samples have no such time. */
  readonly marks: (() => Promise<Marks>) | null
  /** Reads the rows on which a new detector is compared with the active one; null as for marks. */
  readonly recent: ((signal: AbortSignal) => Promise<History>) | null
  /** The task of the optimizer; null when the request does not name it. */
  readonly arrivals: Omit<OptimizerTask, 'connection' | 'traffic'> | null
  /** Finds what the range cannot teach; null when the samples are not from the traffic table. */
  readonly gaps: (() => Promise<HistoryGaps>) | null
  /** What went wrong, but did not end the run. */
  readonly warnings: () => readonly string[]
}

export interface PlanOptions {
  readonly sql: Sql
  /** The database that has the traffic table. */
  readonly trafficSql: Sql
  readonly table: TrafficTable
  readonly syntheticFile: string
  readonly contamination: number
  readonly retentionDays: number
  readonly lookBackMinutes: number
  readonly ipv6Prefix: number
  readonly pathRules?: PathRules
  readonly calendar: readonly CalendarEntry[]
  readonly prometheus: Prometheus | null
  readonly log: Log
  readonly now: () => Date
}

/** What a new detector is compared on: the last two weeks of the range, with everything that was left out of it. */
function references(
  sql: Sql,
  range: Interval,
  read: (recent: Interval, signal: AbortSignal) => Promise<History>,
): Pick<Plan, 'marks' | 'recent'> {
  const recent = { from: new Date(range.to.getTime() - REPLAYED_DAYS * DAY_MS), to: range.to }
  const from = new Date(Math.min(range.from.getTime(), recent.from.getTime()))
  return {
    marks: () => markedMinutes(sql, { from, to: range.to }),
    recent: (signal) => read(recent, signal),
  }
}

/**
 * A run on a range of the traffic table.
 * @throws ServiceError INVALID_REQUEST
 */
function trafficPlan(
  options: PlanOptions,
  request: TrainingRequest,
  range = timeRange(request, options.now()),
): Plan {
  const { sql, trafficSql, table, retentionDays, lookBackMinutes, pathRules, log, now } = options
  const { contamination = options.contamination, models = MODEL_NAMES } = request
  const exclude = excludedFrom(range, options.calendar, request.exclude ?? [])
  const inText = { ...toText(range), exclude: exclude.map(toText) }
  const ofRows = rowsInText(request)
  return {
    request: { source: table, ...toText(range), contamination, ...ofRows, models, exclude: inText.exclude },
    contamination,
    intervalSeconds: request.intervalSeconds,
    origin: { source: table, ...inText },
    requestOrigin: { source: table, ...inText },
    async prepare(signal, onProgress) {
      onProgress(0)
      const keep = { retentionDays, keepFrom: range.from }
      const following = { lookBackMinutes, pathRules, signal, log, onProgress }
      await updateRollups(sql, { trafficSql, table, now: now(), ...keep, ...following })
    },
    samples: models.includes('anomaly')
      ? async (signal) => ({
          history: await minuteFigures(sql, table, { ...range, exclude }, signal),
          rangeMinutes: (range.to.getTime() - range.from.getTime()) / MINUTE_MS,
        })
      : null,
    calendar: options.calendar,
    ...references(sql, range, (recent, signal) => minuteFigures(sql, table, recent, signal)),
    arrivals: models.includes('optimizer')
      ? { table, ...range, exclude, seed: SEED, ipv6Prefix: options.ipv6Prefix }
      : null,
    gaps: () => historyGaps(sql, table, range, trafficSql),
    warnings: () => [],
  }
}

/**
 * A run whose detector learns from the minutes of Prometheus. The optimizer needs single requests, so it learns from the
 * traffic table.
 * @throws ServiceError INVALID_REQUEST
 */
function prometheusPlan(options: PlanOptions, request: TrainingRequest, prometheus: Prometheus): Plan {
  const { sql, trafficSql, table } = options
  const { contamination = options.contamination, models = MODEL_NAMES } = request
  const range = timeRange(request, options.now())
  const exclude = excludedFrom(range, options.calendar, request.exclude ?? [])
  const inText = { ...toText(range), exclude: exclude.map(toText) }
  const ofTable = trafficPlan(options, request, range)
  return {
    ...ofTable,
    request: {
      source: 'prometheus',
      ...{ ...toText(range), contamination, ...rowsInText(request), models, exclude: inText.exclude },
    },
    origin: { source: 'prometheus', ...inText },
    async prepare(signal, onProgress) {
      if (models.includes('anomaly')) await prometheus.catchUp(signal, onProgress)
      if (models.includes('optimizer')) await ofTable.prepare(signal, onProgress)
    },
    samples: models.includes('anomaly')
      ? async (signal) => ({
          history: await prometheus.minutes({ ...range, exclude }, signal),
          rangeMinutes: (range.to.getTime() - range.from.getTime()) / MINUTE_MS,
        })
      : null,
    ...references(sql, range, (recent, signal) => prometheus.minutes({ ...recent, exclude: [] }, signal)),
    // The gaps of the table are not those of the detector's minutes.
    gaps: models.includes('optimizer')
      ? async () => ({
          ...(await historyGaps(sql, table, range, trafficSql)),
          minutesWithoutLatency: 0,
          newestBefore: null,
        })
      : null,
    warnings: () => (prometheus.problem === undefined ? [] : [prometheus.problem]),
  }
}

/**
 * A run on the recorded traffic. Its detector learns from the source that the request names; without one from Prometheus
 * when that is configured and the traffic table has no rows, otherwise from the table.
 * @throws ServiceError INVALID_REQUEST
 */
export async function recordedPlan(options: PlanOptions, request: TrainingRequest): Promise<Plan> {
  const { trafficSql, table, prometheus } = options
  if (prometheus === null) {
    if (request.source !== 'prometheus') return trafficPlan(options, request)
    const problem = 'is "prometheus"; allowed is table, since PROMETHEUS_URL is not set'
    throw new ServiceError('INVALID_REQUEST', `source ${problem}.`, [{ field: 'source', problem }])
  }
  const source = request.source ?? ((await hasRows(trafficSql, table)) ? 'table' : 'prometheus')
  return source === 'table' ? trafficPlan(options, request) : prometheusPlan(options, request, prometheus)
}

/**
 * A run of the detector on the file of synthetic traffic.
 * @throws ServiceError NO_SYNTHETIC_DATA
 */
export async function syntheticPlan({
  syntheticFile,
  contamination,
  calendar,
}: Omit<PlanOptions, 'table'>): Promise<Plan> {
  await access(syntheticFile).catch(() => {
    const message = `There is no ${basename(syntheticFile)} in DATA_PATH. POST /generate/synthetic writes it.`
    throw new ServiceError('NO_SYNTHETIC_DATA', message)
  })
  const origin = { source: 'synthetic', from: null, to: null, exclude: [] }
  return {
    request: { source: 'synthetic', contamination },
    contamination,
    origin,
    requestOrigin: origin,
    prepare: async () => undefined,
    samples: async () => ({ file: syntheticFile, calendar }),
    ...{ calendar, marks: null, recent: null },
    arrivals: null,
    gaps: null,
    warnings: () => [],
  }
}

interface Interval {
  readonly from: Date
  readonly to: Date
}

/** The intervals of the request, and the entries of the calendar that reach into the range; each once. */
function excludedFrom(
  range: Interval,
  calendar: readonly CalendarEntry[],
  given: NonNullable<TrainingRequest['exclude']>,
): Interval[] {
  const entries = calendar.map(({ fromMs, toMs }) => ({ from: new Date(fromMs), to: new Date(toMs) }))
  const all = [
    ...given.map(toInterval),
    ...entries.filter(({ from, to }) => from < range.to && to > range.from),
  ]
  return [...new Map(all.map((each) => [`${each.from.getTime()} ${each.to.getTime()}`, each])).values()]
}

/** The length of the rows as the job shows it, where the request says so. */
const rowsInText = ({ intervalSeconds }: TrainingRequest) =>
  intervalSeconds === undefined ? {} : { interval_seconds: intervalSeconds }

const toText = ({ from, to }: Interval) => ({ from: from.toISOString(), to: to.toISOString() })

function toInterval(given: { readonly from: string; readonly to: string }, index: number): Interval {
  const [from, to] = [parseTime(given.from)!, parseTime(given.to)!] // the schema has checked their form
  if (from < to) return { from: new Date(from), to: new Date(to) }
  const message = `exclude[${index}].to is "${given.to}"; allowed is a time after from, "${given.from}".`
  throw new ServiceError('INVALID_REQUEST', message, [{ field: `exclude[${index}].to`, problem: message }])
}
