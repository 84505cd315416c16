import fp from 'fastify-plugin'
import type { Sql, TransactionSql } from 'postgres'
import { isDatabaseReadOnly } from '../db/errors.js'
import { storeIncidents, type WrittenIncident } from '../db/own/incident-book.js'
import { takeOverMarks, type MadeMark } from '../db/own/incident-marks.js'
import { deleteOldIncidents } from '../db/own/incident-writes.js'
import {
  findIncident,
  findIncidents,
  incidentEntries,
  lastBookNumber,
  type IncidentEntry,
  type StoredIncident,
} from '../db/own/incidents.js'
import { temporaryLimit, type TemporaryLimit } from '../db/own/temporary-limits.js'
import { thinOutWatchedMinutes } from '../db/own/watched-minutes.js'
import { readFolding } from '../db/traffic/endpoint-folding.js'
import type { TrafficTable } from '../db/traffic/table.js'
import type { AnomalyModel } from '../models/anomaly/model.js'
import type { Incident } from '../models/incidents/incident.js'
import type { Series } from '../models/incidents/series-minute.js'
import { GATEWAY } from '../models/stream/stream-state.js'
import { DAY_MS, HOUR_MS } from '../models/traffic/durations.js'
import { endpointName, splitEndpoint } from '../models/traffic/endpoint-name.js'
import { endpointModel, type WatchModel } from '../models/watch/watch-model.js'
import type { Detection } from './detection.js'
import type { Refresh } from './rollup-refresh.js'
import { ServiceError } from './http/errors.js'
import { createIncidentFeed } from './incidents/feed.js'
import { createExplanations, type ExplanationOptions } from './incidents/explanations.js'
import { mark, notFound } from './incidents/marks.js'
import { filterOf, nextOf, type IncidentsRequest } from './incidents/page.js'
import { createSourceIncidents } from './incidents/source-incidents.js'
import { createScans, type Scanned, type ScanOptions, type ScanRequest } from './incidents/scan.js'
import { createIncidentStreams, type IncidentEvent } from './incidents/stream.js'
import {
  timelineOf,
  timelineRange,
  type TimelinePoint,
  type TimelineRange,
  type TimelineRequest,
} from './incidents/timeline.js'
import { createWatchRecorder } from './incidents/watch-recorder.js'
import { watchedSeries, type WatchedSeries } from './incidents/watched-series.js'
import { createWorkerJobs, type WorkerJob, type WorkerJobs } from './worker-jobs.js'
import type { Database } from './database.js'
import type { WatchModels } from './watch-models.js'

export interface Timeline extends TimelineRange {
  readonly series: Series
  readonly points: readonly TimelinePoint[]
}

export interface FoundIncident {
  readonly incident: StoredIncident
  readonly entries: readonly IncidentEntry[]
  /** The newest limit that was applied against it; null without one. */
  readonly applied: TemporaryLimit | null
}

export interface Incidents {
  /** Newest first; `next` is where the following page begins, null at the end. @throws ServiceError DATABASE_UNAVAILABLE */
  list(request: IncidentsRequest): Promise<{
    readonly incidents: readonly StoredIncident[]
    readonly next: string | null
  }>
  /** @throws ServiceError INCIDENT_NOT_FOUND */
  find(id: string): Promise<FoundIncident>
  /** @throws ServiceError INCIDENT_NOT_FOUND, INCIDENT_CLOSED, INVALID_REQUEST */
  mark(id: string, made: MadeMark): Promise<StoredIncident>
  /**
   * Yields each write of an incident after a revision, on any replica, until the signal is aborted.
   * @param after null: from now on
   * @throws ServiceError BUSY
   */
  follow(after: number | null, signal: AbortSignal): Promise<AsyncGenerator<IncidentEvent>>
  /** The id of the incident of a source that goes on, from memory; null where none is known. */
  openIncidentOf(source: string): string | null
  /** What is watched and what reports, and how many judged minutes were lost since the start. */
  sources(): Promise<{ readonly sources: readonly WatchedSeries[]; readonly lostMinutes: number }>
  /** @throws ServiceError INVALID_REQUEST */
  timeline(request: TimelineRequest): Promise<Timeline>
  /** What would have been incidents. @throws ServiceError MODEL_NOT_TRAINED, NO_DATA, BUSY */
  scan(request: ScanRequest, signal: AbortSignal): Promise<Scanned>
  /** The same in the background. @param shown the request as the job shows it */
  beginScan(request: ScanRequest, shown: object): WorkerJob<Scanned>
  readonly scanJobs: WorkerJobs<Scanned>
  /** Verdicts that were not stored since the start, because there were too many. */
  readonly lostMinutes: number
  /** Writes incidents of the watcher's book, in the transaction of a round. */
  store(tx: TransactionSql, incidents: readonly Incident[]): Promise<WrittenIncident[]>
  /** The highest number of the book that is stored; 0 without one. A new book begins after it. */
  lastBookNumber(): Promise<number>
  /**
   * Looks up the clients, the failed requests and the change of an incident in the request log, and adds them; then the limit
   * that would have held, and what the limits in force would have done. Bounded in time: some seconds, or a minute with a limit.
   */
  investigate(id: string): Promise<void>
  /** Takes over the marks that the gateway's dashboards made in anomaly_events. */
  takeOverMarks(): Promise<void>
  /** Aborted when the service stops. */
  readonly closing: AbortSignal
}

declare module 'fastify' {
  interface FastifyInstance {
    incidents: Incidents
  }
}

interface IncidentsOptions extends ScanOptions, Omit<ExplanationOptions, keyof ScanOptions> {
  readonly watchModels: Pick<WatchModels, 'current' | 'forRange'>
  readonly database: Pick<Database, 'assertUsable' | 'assertTraffic' | 'openConnection' | 'connection'>
  readonly detection: Pick<Detection, 'onJudged'>
  readonly refresh: Refresh
}

interface RunningIncidents extends Incidents {
  close(): Promise<void>
}

/** Reads of many incidents take over marks at most this often. */
const TAKE_OVER_MS = 1_000

function createIncidents(options: IncidentsOptions): RunningIncidents {
  const { sql, database, detection, effects, currentTable, retentionDays, refresh, log, now } = options
  const stopping = new AbortController()
  const feed = createIncidentFeed({ sql, database, log })
  const streams = createIncidentStreams({ sql, feed, log })
  const recorder = createWatchRecorder({ sql, database, retentionDays, log, now: () => now().getTime() })
  const ofSources = createSourceIncidents({ sql, database, feed, log, now: () => now().getTime() })
  detection.onJudged((judged) => {
    recorder.record(judged)
    if (judged.verdict.anomaly) ofSources.expect()
  })
  const scans = createScans(options)
  const explanations = createExplanations(options)
  const scanJobs = createWorkerJobs<Scanned>({
    ...{ now, name: 'scan', stoppedCode: 'SCAN_STOPPED', route: 'POST /incidents/scan' },
    onFailure: (error) => log.error({ err: error }, 'a scan has failed'),
  })
  const housekeeping = everyHour(async () => {
    await database.assertUsable()
    await thinOutWatchedMinutes(sql, now().getTime(), retentionDays * DAY_MS)
    await deleteOldIncidents(sql)
  }, options)
  let tookOverMs = -Infinity

  /** A server that takes no writes does not keep anybody from reading. */
  const takeOver = async (id: string | null): Promise<void> => {
    await takeOverMarks(sql, id).catch((error: unknown) => {
      if (!isDatabaseReadOnly(error)) throw error
    })
  }
  const takeOverSometimes = async (): Promise<void> => {
    if (performance.now() - tookOverMs < TAKE_OVER_MS) return
    tookOverMs = performance.now()
    await takeOver(null)
  }

  return {
    async list(request) {
      const filter = filterOf(request)
      await database.assertUsable()
      await takeOverSometimes()
      const { limit } = filter
      const found = await findIncidents(sql, { ...filter, limit: limit + 1 })
      const incidents = found.slice(0, limit)
      const last = incidents.at(-1)
      const hasMore = found.length > limit && last !== undefined
      const next = hasMore ? nextOf({ startedMs: last.startedAt.getTime(), id: last.id }) : null
      return { incidents, next }
    },
    async find(id) {
      await database.assertUsable()
      await takeOver(id)
      const incident = await findIncident(sql, id)
      if (incident === undefined) throw notFound(id)
      const limits = await explanations.limitsOf(incident, stopping.signal)
      const entries = await incidentEntries(sql, id)
      const applied = (await temporaryLimit(sql, id)) ?? null
      return { incident: { ...incident, limits }, entries, applied }
    },
    async mark(id, made) {
      await database.assertUsable()
      return mark(sql, id, made)
    },
    async follow(after, signal) {
      await database.assertUsable()
      return streams.follow(after, AbortSignal.any([signal, stopping.signal]))
    },
    openIncidentOf: (source) => ofSources.idOf(source),
    async sources() {
      await database.assertUsable()
      const sources = await watchedSeries(sql, await currentTable(), watchOf(options), now().getTime())
      return { sources, lostMinutes: recorder.lost }
    },
    async timeline(request) {
      const range = timelineRange(request, now().getTime())
      const asked = seriesOf(request)
      await database.assertUsable()
      const table = await currentTable()
      const series = asked.kind === 'endpoint' ? await foldedSeries(sql, table, asked) : asked
      if (series.kind !== 'source' && range.to.getTime() > now().getTime() - HOUR_MS) await refresh()
      const model = modelOf(options, series)
      const reading = { sql, table, model, effects }
      const points = await timelineOf(reading, series, range)
      // Without the traffic of a gateway in the database, the reports of the default source are about it.
      const isReported = series.kind === 'gateway' && points.length === 0
      const source: Series = { kind: 'source', name: GATEWAY }
      return { ...range, series, points: isReported ? await timelineOf(reading, source, range) : points }
    },
    scan: (request, signal) => scans.run(request, AbortSignal.any([signal, stopping.signal])),
    beginScan(request, shown) {
      scans.assertPossible(request)
      return scanJobs.begin(shown, (signal, onProgress) =>
        scans.run(request, AbortSignal.any([signal, stopping.signal]), onProgress),
      )
    },
    scanJobs,
    get lostMinutes() {
      return recorder.lost
    },
    store: storeIncidents,
    lastBookNumber: () => lastBookNumber(sql),
    async investigate(id) {
      const incident = await findIncident(sql, id)
      if (incident === undefined) throw notFound(id)
      await explanations.investigate(incident, stopping.signal)
    },
    takeOverMarks: () => takeOver(null),
    closing: stopping.signal,
    async close() {
      housekeeping.stop()
      stopping.abort(new ServiceError('SHUTTING_DOWN', 'The service is stopping.'))
      await Promise.all([ofSources.close(), feed.close(), recorder.close()])
    },
  }
}

function watchOf({ watchModels }: Pick<IncidentsOptions, 'watchModels'>): WatchModel | null {
  return watchModels.current()?.detector.watch ?? null
}

/** By what a series is judged; null where it has no model. */
function modelOf(options: IncidentsOptions, { kind, name }: Series): AnomalyModel | null {
  if (kind !== 'endpoint') return options.models.active.anomaly?.model ?? null
  const watch = watchOf(options)
  const endpoint = watch?.endpoints.get(name)
  return watch && endpoint ? endpointModel(watch, endpoint) : null
}

/** @throws ServiceError INVALID_REQUEST */
function seriesOf({ source, endpoint }: TimelineRequest): Series {
  if (source !== undefined && endpoint !== undefined && source !== GATEWAY) {
    const problem = `cannot be given together with a source other than ${GATEWAY}`
    throw new ServiceError('INVALID_REQUEST', `endpoint ${problem}.`, [{ field: 'endpoint', problem }])
  }
  if (endpoint !== undefined) return { kind: 'endpoint', name: endpoint }
  return source === undefined || source === GATEWAY
    ? { kind: 'gateway', name: '' }
    : { kind: 'source', name: source }
}

/** A raw path stands for its template. */
async function foldedSeries(sql: Sql, table: TrafficTable, { kind, name }: Series): Promise<Series> {
  const { method, path } = splitEndpoint(name)
  const folding = await readFolding(sql, table)
  return { kind, name: endpointName(method, folding.template(path)) }
}

const FIRST_MS = 60_000

/** Does some work a minute after the start and then each hour; a failure is logged. */
function everyHour(work: () => Promise<void>, { log }: Pick<IncidentsOptions, 'log'>) {
  const run = () =>
    void work().catch((error: unknown) =>
      log.warn({ err: error }, 'old judged minutes are not thinned out yet'),
    )
  const first = setTimeout(run, FIRST_MS).unref()
  const timer = setInterval(run, HOUR_MS).unref()
  return {
    stop() {
      clearTimeout(first)
      clearInterval(timer)
    },
  }
}

/** `fastify.incidents`. */
export default fp(
  async (app) => {
    const { config, sql, trafficSql, database, detection, models, watchModels, prometheus, log } = app
    const { effects, calendar, retentionDays, lookBackMinutes, pathRules, ipv6Prefix, timeZone } = config
    const incidents = createIncidents({
      ...{ sql, trafficSql, database, detection, models, watchModels, prometheus, log },
      ...{ effects, calendar, retentionDays, lookBackMinutes, pathRules, ipv6Prefix, timeZone },
      connection: database.connection,
      traffic: database.traffic?.connection ?? null,
      currentTable: app.trafficTable,
      refresh: app.endpoints.refresh,
      now: () => new Date(),
    })
    app.decorate('incidents', incidents)
    app.addHook('preClose', () => incidents.close())
  },
  {
    name: 'incidents',
    dependencies: [
      ...['config', 'database', 'traffic-table', 'model-registry', 'detection', 'prometheus', 'endpoints'],
      'watch-models',
    ],
  },
)
