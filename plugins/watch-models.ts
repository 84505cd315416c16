import fp from 'fastify-plugin'
import type { Sql } from 'postgres'
import { isDatabaseAway, isStatementCancelled } from '../db/errors.js'
import type { Log } from '../db/log.js'
import {
  findWatchModel,
  newestWatchModel,
  watchModelHead,
  watchModelParts,
  type WatchModelRow,
} from '../db/own/watch-models.js'
import { rolledUpTo } from '../db/traffic/timeline.js'
import { DEFAULT_INTERVAL_SECONDS } from '../models/anomaly/row-interval.js'
import type { CalendarEntry } from '../models/anomaly/calendar.js'
import type { LeastEffects } from '../models/anomaly/effects.js'
import { DAY_MS, MINUTE_MS } from '../models/traffic/durations.js'
import type { WatchDetector } from '../models/watch/judge-round.js'
import { assembleWatch, type WatchModel } from '../models/watch/watch-model.js'
import type { Database } from './database.js'
import { ServiceError } from './http/errors.js'
import { explainTableError } from './http/table-errors.js'
import type { ActiveDetector, ModelRegistry } from './model-registry.js'
import type { CurrentTable } from './traffic-table.js'
import { fromContent, gatewayOf } from './watch-models/content.js'
import { detectorOf } from './watch-models/detector.js'
import { followWatchModels } from './watch-models/follower.js'
import type { WatchFit } from './watch-models/fit-watch.js'
import type { FitOutcome, FitTask } from './watch-models/fit-worker.js'
import { QUERY_GRACE_MS, runWorker } from './workers/run-worker.js'
import { fromFailure } from './workers/worker-failure.js'

/** A watch model that is loaded. */
export interface LoadedWatch extends Omit<WatchModelRow, 'bytes'> {
  readonly detector: WatchDetector
}

/** How the rounds of a range are judged. */
export interface RangeWatch {
  /** A stored model; null when one is to be fitted. */
  readonly id: string | null
  /** How it was fitted, or how it is to be fitted. */
  readonly fit: WatchFit
}

export interface FitOptions {
  readonly signal: AbortSignal
  /** Where the two weeks of history end; left out, where the rollups end. */
  readonly to?: Date
  /** Called with the share that is done, 0…1. */
  readonly onProgress?: (share: number) => void
}

/** The models by which the gateway and its endpoints are judged minute by minute. */
export interface WatchModels {
  /** The newest one for the active model of the gateway; null when there is none, or it is not loaded yet. */
  current(): LoadedWatch | null
  /** Judges the gateway alone, by an active model that has learned from Prometheus; null with any other model. */
  ofGateway(): Pick<LoadedWatch, 'id' | 'modelVersion' | 'endpoints' | 'detector'> | null
  /** Loads the newest one for the active model, if that is not done. */
  sync(): Promise<LoadedWatch | null>
  /**
   * Fits all endpoints anew in worker threads, stores the model and loads it. The rollups are up to date.
   * @throws ServiceError MODEL_NOT_TRAINED, NO_DATA, BUSY, saying what is missing
   */
  fit(options: FitOptions): Promise<LoadedWatch>
  /**
   * Fits the endpoints again that are younger than a week, those that the current model does not have too.
   * @returns null when there is none. @throws ServiceError as `fit`
   */
  refitYoung(options: FitOptions): Promise<LoadedWatch | null>
  /**
   * How rounds of a range are judged: by the current model, or by one that is fitted to the range and what was before it.
   * Null when the active model cannot watch endpoints.
   */
  forRange(range: { readonly from: Date; readonly to: Date }): Promise<RangeWatch | null>
  /** A stored model, whatever is active; null when it was forgotten, or when another release stored it. */
  load(id: string): Promise<LoadedWatch | null>
}

declare module 'fastify' {
  interface FastifyInstance {
    watchModels: WatchModels
  }
}

interface WatchModelsOptions {
  readonly sql: Sql
  readonly database: Pick<Database, 'assertUsable' | 'connection'>
  readonly models: Pick<ModelRegistry, 'active'>
  readonly currentTable: CurrentTable
  readonly effects: LeastEffects
  readonly calendar: readonly CalendarEntry[]
  readonly contamination: number
  readonly anomalyThreshold: number
  readonly alarmBudget: number
  readonly log: Pick<Log, 'info' | 'debug' | 'warn'>
  readonly now: () => Date
}

/** The history that endpoints are fitted to. */
const HISTORY_MS = 14 * DAY_MS

/** The id of what judges the gateway alone. */
const NO_ENDPOINTS = '0'
const SEED = 1

function createWatchModels(options: WatchModelsOptions): WatchModels & { close(): void } {
  const { sql, models, effects, calendar, log } = options
  const closing = new AbortController()
  let loaded: LoadedWatch | null = null
  let loading: Promise<LoadedWatch | null> | null = null
  let isFitting = false
  let alone: ReturnType<WatchModels['ofGateway']> = null
  /** Rows that cannot be read are not read again. */
  const unreadable = new Set<string>()

  const current = () => (loaded?.modelVersion === models.active.anomaly?.version ? loaded : null)

  const ofGateway = () => {
    const active = models.active.anomaly
    if (
      active?.training?.source !== 'prometheus' ||
      active.model.intervalSeconds !== DEFAULT_INTERVAL_SECONDS
    )
      return null
    if (alone?.modelVersion !== active.version) {
      const { contamination, anomalyThreshold } = options
      const watch = assembleWatch(active.model, [], { effects, contamination, anomalyThreshold, seed: SEED })
      const detector = detectorOf(watch, active.version, effects, calendar)
      alone = { id: NO_ENDPOINTS, modelVersion: active.version, endpoints: 0, detector }
    }
    return alone
  }

  const load = async (row: WatchModelRow): Promise<LoadedWatch | null> => {
    if (loaded?.id === row.id) return loaded
    if (unreadable.has(row.id)) return null
    const content = await watchModelHead(sql, row.id)
    if (content === undefined) return null
    let watch: WatchModel
    try {
      const active = models.active.anomaly
      const gateway = active?.version === row.modelVersion ? active.model : gatewayOf(content.gateway)
      const parts = watchModelParts(sql, row.id)
      watch = await fromContent({ head: content.head, parts }, gateway, closing.signal)
    } catch (error) {
      closing.signal.throwIfAborted()
      if (isDatabaseAway(error) || isStatementCancelled(error)) throw error
      unreadable.add(row.id)
      log.warn({ err: error, id: row.id }, 'a watch model of another release is not used')
      return null
    }
    // Displaced while it was read, it may lack endpoints.
    return watch.endpoints.size === row.endpoints ? toLoaded(row, watch, effects, calendar) : null
  }
  const syncOnce = async (): Promise<LoadedWatch | null> => {
    const active = models.active.anomaly
    if (active === null) return null
    const row = await newestWatchModel(sql, active.version)
    const newest = row === undefined ? null : await load(row)
    if (newest !== null && newest.id !== loaded?.id) {
      loaded = newest
      log.info({ id: newest.id, endpoints: newest.endpoints }, 'watch model active')
    }
    return current()
  }
  const sync = () =>
    (loading ??= syncOnce().finally(() => {
      loading = null
    }))
  /** A sync that begins now: one that is under way may have asked before. */
  const syncAnew = async () => {
    await loading?.catch(() => undefined)
    return sync()
  }

  const run = async (
    young: FitTask['young'],
    modelVersion: string,
    task: WatchFit,
    { signal, onProgress = () => undefined }: FitOptions,
  ): Promise<LoadedWatch | null> => {
    const outcome = await runWorker<FitOutcome>(
      'watch-models/fit-worker',
      { ...task, young, modelVersion },
      {
        ...{ signal: AbortSignal.any([signal, closing.signal]), graceMs: QUERY_GRACE_MS, onProgress },
      },
    )
    if ('failed' in outcome) throw fromFailure(outcome, task.table)
    if (outcome.stored === null) return null
    await syncAnew()
    return loaded
  }
  const oneFit = async <T>(work: () => Promise<T>): Promise<T> => {
    if (isFitting) throw new ServiceError('BUSY', 'A watch model is being fitted. Try again shortly.')
    isFitting = true
    try {
      return await work()
    } finally {
      isFitting = false
    }
  }

  return {
    current,
    ofGateway,
    sync: syncAnew,
    fit: (fitting) =>
      oneFit(async () => {
        const active = fittingModel(models)
        const task = await taskFor(options, active, fitting.to)
        const made = await run(null, active.version, task, fitting)
        if (made === null) throw noTraffic()
        return made
      }),
    refitYoung: (fitting) =>
      oneFit(async () => {
        const active = fittingModel(models)
        const watch = current() ?? (await syncAnew())
        if (watch === null) return null
        const task = await taskFor(options, active, fitting.to)
        return run({ id: watch.id, fitId: watch.fitId }, watch.modelVersion, task, fitting)
      }),
    async forRange({ from, to }) {
      if (whyUnfit(models.active.anomaly) !== null) return null
      const task = await taskFor(options, models.active.anomaly!, to)
      const watch = current() ?? (await syncAnew())
      if (watch !== null && from.getTime() >= watch.from.getTime() - DAY_MS)
        return { id: watch.id, fit: { ...task, from: watch.from, to: watch.to } }
      return { id: null, fit: { ...task, from: new Date(Math.min(task.from.getTime(), from.getTime())) } }
    },
    async load(id) {
      const row = await findWatchModel(sql, id)
      return row === undefined ? null : load(row)
    },
    close: () => closing.abort(new ServiceError('SHUTTING_DOWN', 'The service is stopping.')),
  }
}

function toLoaded(
  { id, modelVersion, fitId, fitAt, fittedAt, from, to, endpoints }: WatchModelRow,
  watch: WatchModel,
  effects: LeastEffects,
  calendar: readonly CalendarEntry[],
): LoadedWatch {
  // Streams go on with the same version: where some endpoints were fitted again, all others are as they were.
  const detector = detectorOf(watch, `${modelVersion} ${fitId}`, effects, calendar)
  return { id, modelVersion, fitId, fitAt, fittedAt, from, to, endpoints, detector }
}

/** @throws ServiceError MODEL_NOT_TRAINED */
function fittingModel({ active }: Pick<ModelRegistry, 'active'>): ActiveDetector {
  const problem = whyUnfit(active.anomaly)
  if (problem === null) return active.anomaly!
  throw new ServiceError('MODEL_NOT_TRAINED', problem)
}

/** Why endpoints cannot be watched with a model of the gateway; null when they can. */
function whyUnfit(active: ActiveDetector | null): string | null {
  if (active === null)
    return 'No anomaly model is active, so endpoints cannot be watched. Train one with POST /train.'
  const source = active.training?.source
  if (source === 'synthetic' || source === 'prometheus')
    return `The active model was trained on ${source === 'synthetic' ? 'synthetic traffic' : 'Prometheus'}. Endpoints are watched with one of the request log: POST /train.`
  const { intervalSeconds } = active.model
  return intervalSeconds === DEFAULT_INTERVAL_SECONDS
    ? null
    : `The active model judges rows of ${intervalSeconds} s. Endpoints are watched with one of minutes: POST /train without interval_seconds.`
}

function noTraffic(): ServiceError {
  const message = 'There are no requests in the last two weeks, so endpoints cannot be watched.'
  return new ServiceError('NO_DATA', message)
}

async function taskFor(
  options: WatchModelsOptions,
  { model }: ActiveDetector,
  to: Date = options.now(),
): Promise<WatchFit> {
  const { sql, database, currentTable, effects, calendar } = options
  const { contamination, anomalyThreshold, alarmBudget } = options
  await database.assertUsable()
  const table = await currentTable()
  const reached = await rolledUpTo(sql, table).catch((error: unknown) => {
    const problem = `The rollups of ${table} cannot be read`
    throw explainTableError(error, { code: 'TRAFFIC_TABLE_UNUSABLE', problem })
  })
  if (reached === undefined) throw noTraffic()
  const toMs = Math.floor(Math.min(reached.getTime(), to.getTime()) / MINUTE_MS) * MINUTE_MS
  return {
    ...{ connection: database.connection, table, gateway: model, effects },
    ...{ from: new Date(toMs - HISTORY_MS), to: new Date(toMs) },
    exclude: calendar.map(({ fromMs, toMs }) => ({ from: new Date(fromMs), to: new Date(toMs) })),
    ...{ contamination, anomalyThreshold, alarmBudget },
  }
}

/** `fastify.watchModels`. */
export default fp(
  async (app) => {
    const { config, sql, database, models, log } = app
    const { effects, calendar, contamination, anomalyThreshold, alarmBudget } = config
    const watchModels = createWatchModels({
      ...{ sql, database, models, log, effects, calendar, contamination, anomalyThreshold, alarmBudget },
      currentTable: app.trafficTable,
      now: () => new Date(),
    })
    const following = followWatchModels({ models, watchModels, database, log })
    app.decorate('watchModels', watchModels)
    app.addHook('preClose', async () => {
      watchModels.close()
      await following.stop()
    })
  },
  { name: 'watch-models', dependencies: ['config', 'database', 'traffic-table', 'model-registry'] },
)
