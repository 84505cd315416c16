import type { Sql } from 'postgres'
import type { Log } from '../../db/log.js'
import { hasRows } from '../../db/traffic/has-rows.js'
import { minuteFigures, updateRollups } from '../../db/traffic/rollups.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import { endpointTraffic } from '../../db/traffic/timeline.js'
import type { CalendarEntry } from '../../models/anomaly/calendar.js'
import type { LeastEffects } from '../../models/anomaly/effects.js'
import type { Incident } from '../../models/incidents/incident.js'
import type { History } from '../../models/anomaly/regular-history.js'
import { rankEndpoints } from '../../models/incidents/rank-endpoints.js'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../models/traffic/durations.js'
import type { PathRules } from '../../models/traffic/path-rules.js'
import type { Database } from '../database.js'
import { ServiceError } from '../http/errors.js'
import { explainTableError } from '../http/table-errors.js'
import { timeRange, type RangeRequest } from '../http/time-range.js'
import { FIRST_TIME_MS } from '../http/validation.js'
import type { ModelRegistry } from '../model-registry.js'
import type { Prometheus } from '../prometheus.js'
import type { CurrentTable } from '../traffic-table.js'
import type { WatchModels } from '../watch-models.js'
import { QUERY_GRACE_MS, runWorker } from '../workers/run-worker.js'
import { fromFailure } from '../workers/worker-failure.js'
import type { ScanOutcome, ScanTask } from './scan-worker.js'
import { withClients, type ScannedIncident } from './scanned-clients.js'

export type ScanRequest = RangeRequest

/** What would have been incidents. */
export interface Scanned {
  readonly from: Date
  readonly to: Date
  /** Minutes with requests that were judged. */
  readonly minutes: number
  readonly modelVersion: string
  /** The newest first. */
  readonly incidents: readonly ScannedIncident[]
}

export interface Scans {
  /** @throws ServiceError MODEL_NOT_TRAINED, NO_DATA, BUSY, INVALID_REQUEST */
  run(request: ScanRequest, signal: AbortSignal, onProgress?: (share: number) => void): Promise<Scanned>
  /** @throws ServiceError BUSY, MODEL_NOT_TRAINED, INVALID_REQUEST */
  assertPossible(request: ScanRequest): void
}

export interface ScanOptions {
  readonly sql: Sql
  readonly trafficSql: Sql
  readonly database: Pick<Database, 'assertTraffic' | 'connection'>
  readonly watchModels: Pick<WatchModels, 'forRange'>
  readonly models: Pick<ModelRegistry, 'active'>
  readonly effects: LeastEffects
  readonly calendar: readonly CalendarEntry[]
  readonly currentTable: CurrentTable
  readonly prometheus: Prometheus | null
  readonly retentionDays: number
  readonly lookBackMinutes: number
  readonly pathRules: PathRules
  readonly ipv6Prefix: number
  readonly log: Log
  readonly now: () => Date
}

const DEFAULT_DAYS = 14
/** Judged before the range, so that the stream knows the traffic when it begins. */
const LEAD_MS = DAY_MS
/** Share of the work that it is to bring the rollups up to date. */
const ROLLUP_SHARE = 0.3

/**
 * Replays stored history of the gateway and its endpoints, one scan at a time, in a worker thread. Where the active model
 * cannot watch endpoints, the gateway is judged as a whole.
 */
export function createScans(options: ScanOptions): Scans {
  let isRunning = false
  const assertPossible = (request: ScanRequest) => {
    rangeOf(request, options.now())
    if (options.models.active.anomaly === null) {
      const message = 'No anomaly model is active. Train one with POST /train, then scan.'
      throw new ServiceError('MODEL_NOT_TRAINED', message)
    }
    if (isRunning) throw new ServiceError('BUSY', 'Another scan is under way. Try again shortly.')
  }
  return {
    assertPossible,
    async run(request, signal, onProgress = () => undefined) {
      assertPossible(request)
      isRunning = true // before anything is waited for: who comes next finds it
      try {
        return await scan(options, rangeOf(request, options.now()), signal, onProgress)
      } finally {
        isRunning = false
      }
    },
  }
}

function rangeOf(request: ScanRequest, now: Date) {
  return timeRange(
    request.from === undefined ? { ...request, days: request.days ?? DEFAULT_DAYS } : request,
    now,
  )
}

async function scan(
  options: ScanOptions,
  range: { readonly from: Date; readonly to: Date },
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<Scanned> {
  await options.database.assertTraffic()
  const { version: modelVersion, model } = options.models.active.anomaly!
  const { effects, calendar } = options
  const table = await options.currentTable()
  const history = await historyOf(
    options,
    { ...range, from: new Date(Math.max(FIRST_TIME_MS, range.from.getTime() - LEAD_MS)) },
    signal,
    (share) => onProgress(ROLLUP_SHARE * share),
  ).catch((error: unknown) => {
    const problem = `The table ${table} cannot be read`
    throw explainTableError(error, { code: 'TRAFFIC_TABLE_UNUSABLE', problem })
  })
  const fromMs = range.from.getTime()
  const minutes = history.timesMs.filter((timeMs) => timeMs >= fromMs).length
  if (minutes === 0) throw nothingToScan(range)
  const judging = { fromMs, model, modelVersion, effects, calendar }
  const watch = history.isFromLog ? await options.watchModels.forRange(range) : null
  const task: ScanTask =
    watch === null
      ? { ...judging, history }
      : { ...judging, connection: options.database.connection, table, range: spanOf(history), watch }
  const outcome = await runWorker<ScanOutcome>('incidents/scan-worker', task, {
    ...{ signal, graceMs: watch === null ? 0 : QUERY_GRACE_MS },
    onProgress: (share) => onProgress(ROLLUP_SHARE + (1 - ROLLUP_SHARE) * share),
  })
  if ('failed' in outcome) throw fromFailure(outcome, table)
  const newestFirst = outcome.incidents.toSorted((a, b) => b.startedMs - a.startedMs || b.number - a.number)
  const named = await withEndpoints(options, table, newestFirst, signal)
  const incidents = history.isFromLog
    ? await withClients(options, table, named, signal)
    : named.map((incident) => ({ ...incident, clients: [], clientCount: null }))
  return { ...range, minutes, modelVersion, incidents }
}

/** From the first minute with requests to the last. */
function spanOf({ timesMs }: History): { readonly from: Date; readonly to: Date } {
  return { from: new Date(timesMs[0]!), to: new Date(timesMs.at(-1)! + MINUTE_MS) }
}

/** More incidents than this do not name their endpoints. */
const MAX_NAMED = 200
/** The traffic before an incident that it is compared with. */
const BEFORE_MS = HOUR_MS

/** The newest incidents of the whole gateway with the endpoints that they are about, where the rollups know endpoints. */
async function withEndpoints(
  { sql }: ScanOptions,
  table: TrafficTable,
  incidents: readonly Incident[],
  signal: AbortSignal,
): Promise<Incident[]> {
  const named: Incident[] = []
  for (const incident of incidents.slice(0, MAX_NAMED)) {
    signal.throwIfAborted()
    if (incident.endpoints.length > 0) {
      named.push(incident)
      continue
    }
    const { type, startedMs, endedMs, peak } = incident
    const start = new Date(startedMs)
    const end = new Date(endedMs ?? Math.max(peak.timeMs, startedMs) + MINUTE_MS)
    const during = await endpointTraffic(sql, table, { from: start, to: end })
    const before = await endpointTraffic(sql, table, { from: new Date(startedMs - BEFORE_MS), to: start })
    const endpoints = rankEndpoints(type, (end.getTime() - startedMs) / MINUTE_MS, during, before).map(
      (each) => ({ ...each, startedMs, type }),
    )
    named.push({ ...incident, endpoints })
  }
  return [...named, ...incidents.slice(MAX_NAMED)]
}

/** The minutes of the gateway: of Prometheus, where that is configured and the traffic table has no rows. */
async function historyOf(
  options: ScanOptions,
  range: { readonly from: Date; readonly to: Date },
  signal: AbortSignal,
  onProgress: (share: number) => void,
) {
  const { sql, trafficSql, prometheus, currentTable, retentionDays, lookBackMinutes, pathRules, log } =
    options
  const table = await currentTable()
  if (prometheus !== null && !(await hasRows(trafficSql, table))) {
    await prometheus.catchUp(signal, onProgress)
    return { ...(await prometheus.minutes(range, signal)), isFromLog: false }
  }
  const keep = { retentionDays, keepFrom: range.from }
  const following = { lookBackMinutes, pathRules, signal, log, onProgress }
  await updateRollups(sql, { trafficSql, table, now: options.now(), ...keep, ...following })
  return { ...(await minuteFigures(sql, table, range, signal)), isFromLog: true }
}

function nothingToScan({ from, to }: { readonly from: Date; readonly to: Date }): ServiceError {
  const message = `There is no traffic from ${from.toISOString()} to ${to.toISOString()}. Choose another time range.`
  return new ServiceError('NO_DATA', message)
}
