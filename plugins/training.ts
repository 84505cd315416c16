import { access } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import fp from 'fastify-plugin'
import type { Sql } from 'postgres'
import type { Log } from '../db/log.js'
import { historyGaps, type HistoryGaps } from '../db/traffic/history-gaps.js'
import type { CalendarEntry } from '../models/anomaly/calendar.js'
import type { LeastEffects } from '../models/anomaly/effects.js'
import { describeDatabaseError, isTableUnusable } from '../db/errors.js'
import { minuteFigures, TrafficTableError, updateRollups } from '../db/traffic/rollups.js'
import type { TrafficTable } from '../db/traffic/table.js'
import type { TrainingJob } from '../db/own/jobs.js'
import type { Database } from './database.js'
import { ServiceError } from './http/errors.js'
import { exportRange, type RangeRequest } from './http/time-range.js'
import { MODEL_NAMES, type ModelName, type ModelRegistry, type PublishedModels } from './model-registry.js'
import { fitOptimizerInWorker } from './training/optimizer-fit.js'
import type { OptimizerTask } from './training/optimizer-worker.js'
import { orAborted } from '../db/or-aborted.js'
import { fitInWorker } from './training/detector-fit.js'
import { createTrainingJobs, type TrainingJobs } from './training/jobs.js'
import {
  NOTHING_PUBLISHED,
  SEED,
  toResult,
  toTrained,
  type Learned,
  type TrainingOrigin,
  type TrainingResult,
} from './training/result.js'
import { takeTrainingLease, type TrainingLease } from './training/lease.js'
import type { TrainingTask } from './training/detector-worker.js'
import { parseTime } from './http/validation.js'
import { MINUTE_MS } from '../models/traffic/durations.js'

export interface TrainingRequest extends RangeRequest {
  readonly contamination?: number | undefined
  /** All of them unless some are named. */
  readonly models?: readonly ModelName[] | undefined
  /** Intervals that are left out, known incidents say; ISO-8601. */
  readonly exclude?: readonly { readonly from: string; readonly to: string }[]
}

/** A run that has begun. */
export interface TrainingRun {
  readonly job: TrainingJob
  readonly result: Promise<TrainingResult>
}

export interface Training {
  readonly jobs: TrainingJobs
  /** Begins to learn from a range of the traffic table. */
  begin(request: TrainingRequest): Promise<TrainingRun>
  /** Begins to learn from the synthetic traffic, whoever wrote the file. */
  beginOnSynthetic(): Promise<TrainingRun>
  /** Aborted when the service stops. */
  readonly closing: AbortSignal
  /** Ends the run of this replica; the active model stays. */
  close(): Promise<void>
}

export interface TrainingOptions {
  readonly sql: Sql
  readonly database: Pick<Database, 'assertUsable' | 'openConnection' | 'connection'>
  readonly models: ModelRegistry
  readonly table: TrafficTable
  readonly syntheticFile: string
  readonly contamination: number
  readonly anomalyThreshold: number
  readonly retentionDays: number
  readonly lookBackMinutes: number
  readonly timeZone: string
  readonly effects: LeastEffects
  readonly calendar: readonly CalendarEntry[]
  readonly log: Log
  readonly now: () => Date
}

declare module 'fastify' {
  interface FastifyInstance {
    training: Training
  }
}

const LEASE_ATTEMPTS = 10
const LEASE_PAUSE_MS = 50

/** What a run is made of: where its samples are, and what there is to say of them. */
interface Plan {
  readonly request: object
  readonly contamination: number
  readonly origin: TrainingOrigin
  /** Brings what is read up to date. */
  prepare(lease: TrainingLease, signal: AbortSignal): Promise<void>
  /** For the detector; null when it is not asked for. */
  readonly samples: ((signal: AbortSignal) => Promise<TrainingTask['source']>) | null
  /** What the range cannot teach; null when it is not of the traffic table. */
  readonly gaps: (() => Promise<HistoryGaps>) | null
  /** For the optimizer; null when it is not asked for. */
  readonly arrivals: Omit<OptimizerTask, 'connection'> | null
}

export function createTraining(options: TrainingOptions): Training {
  const { sql, database, models, table, syntheticFile, anomalyThreshold, now, log } = options
  const closing = new AbortController()
  const jobs = createTrainingJobs(sql, database)
  const runs = new Set<Promise<unknown>>()

  const beginRun = async (plan: Plan): Promise<TrainingRun> => {
    await database.assertUsable()
    const lease = await leaseOrRefuse(plan.request)
    const result = carryOut(lease, plan)
    const ended = result.catch(() => undefined).finally(() => runs.delete(ended))
    runs.add(ended)
    return { job: lease.job, result }
  }

  const leaseOrRefuse = async (request: object): Promise<TrainingLease> => {
    for (let attempt = 1; ; attempt++) {
      const lease = await takeTrainingLease(database.openConnection(), request)
      if (lease) return lease
      const job = await jobs.current()
      if (job || attempt === LEASE_ATTEMPTS) throw alreadyRunning(job)
      await delay(LEASE_PAUSE_MS) // the run that has the lock is about to enter itself, or has just ended
    }
  }

  const carryOut = async (lease: TrainingLease, plan: Plan): Promise<TrainingResult> => {
    const startedMs = now().getTime()
    try {
      const signal = AbortSignal.any([closing.signal, lease.signal])
      await orAborted(plan.prepare(lease, signal), signal)
      lease.progress('reading')
      const source = plan.samples && (await orAborted(plan.samples(signal), signal))
      const optimizer = plan.arrivals && (await learnArrivals(lease, plan.arrivals, signal))
      lease.progress('fitting')
      const { contamination } = plan
      const { timeZone, effects } = options
      const fitting = { contamination, anomalyThreshold, timeZone, effects, seed: SEED }
      const task = source && { source, options: fitting }
      const detector = task && (await fitInWorker(task, signal))
      lease.progress('publishing')
      const gaps = plan.gaps && (await plan.gaps())
      const durationSeconds = (now().getTime() - startedMs) / 1000
      return await publish(lease, plan, { detector, optimizer, durationSeconds, gaps })
    } catch (error) {
      const failure = toFailure(error, table)
      log.warn({ err: failure, job: lease.job.id }, 'the training run has ended without a model')
      await lease.abandon(failure).catch(() => undefined)
      throw failure
    } finally {
      await lease.release()
    }
  }

  const learnArrivals = (
    lease: TrainingLease,
    task: Omit<OptimizerTask, 'connection'>,
    signal: AbortSignal,
  ) => {
    lease.progress('arrivals')
    const onProgress = (share: number) => lease.progress('arrivals', share)
    return fitOptimizerInWorker({ ...task, connection: database.connection }, onProgress, signal)
  }

  const publish = async (lease: TrainingLease, plan: Plan, learned: Learned): Promise<TrainingResult> => {
    const timestamp = now().toISOString()
    const trained = toTrained(plan.origin, { contamination: plan.contamination, anomalyThreshold }, learned)
    const resultOf = (published: PublishedModels) => toResult(learned, published, timestamp)
    if (!trained.anomaly && !trained.optimizer) {
      return lease.finish(
        async () => resultOf(NOTHING_PUBLISHED),
        (result) => result,
      )
    }
    return resultOf(await models.publish(trained, (store) => lease.finish(store, resultOf)))
  }

  return {
    jobs,
    begin: async (request) => {
      const { contamination = options.contamination, models = MODEL_NAMES, exclude: given = [] } = request
      const range = exportRange(request, now())
      const rangeMinutes = (range.to.getTime() - range.from.getTime()) / MINUTE_MS
      const holidays = options.calendar.map(({ fromMs, toMs }) => ({
        from: new Date(fromMs),
        to: new Date(toMs),
      }))
      const left = [
        ...given.map(toInterval),
        ...holidays.filter(({ from, to }) => from < range.to && to > range.from),
      ]
      const exclude = left.map(inText)
      const { retentionDays, lookBackMinutes } = options
      return beginRun({
        request: { source: table, ...inText(range), contamination, models, exclude },
        contamination,
        origin: { source: table, ...inText(range), exclude },
        async prepare(lease, signal) {
          lease.progress('rollups')
          const onProgress = (share: number) => lease.progress('rollups', share)
          const keep = { retentionDays, keepFrom: range.from }
          await updateRollups(sql, { table, now: now(), ...keep, lookBackMinutes, signal, log, onProgress })
        },
        samples: models.includes('anomaly')
          ? async (signal) => {
              const history = await minuteFigures(sql, table, { ...range, exclude: left }, signal)
              return { history, rangeMinutes }
            }
          : null,
        arrivals: models.includes('optimizer') ? { table, ...range, exclude: left, seed: SEED } : null,
        gaps: () => historyGaps(sql, table, range),
      })
    },
    beginOnSynthetic: async () => {
      await access(syntheticFile).catch(() => {
        const message = `There is no ${syntheticFile}. POST /generate/synthetic writes it.`
        throw new ServiceError('NO_SYNTHETIC_DATA', message)
      })
      const { contamination } = options
      return beginRun({
        request: { source: 'synthetic', contamination },
        contamination,
        origin: { source: 'synthetic', from: null, to: null, exclude: [] },
        prepare: async () => undefined,
        samples: async () => ({ file: syntheticFile, calendar: options.calendar }),
        arrivals: null,
        gaps: null,
      })
    },
    closing: closing.signal,
    async close() {
      const message = 'The training run was stopped, as the service is. The active model stays.'
      closing.abort(new ServiceError('SHUTTING_DOWN', message))
      await Promise.all(runs)
    },
  }
}

interface Interval {
  readonly from: Date
  readonly to: Date
}

const inText = ({ from, to }: Interval) => ({ from: from.toISOString(), to: to.toISOString() })

function toInterval(given: { readonly from: string; readonly to: string }, index: number): Interval {
  const [from, to] = [parseTime(given.from)!, parseTime(given.to)!] // the schema has seen to their form
  if (from < to) return { from: new Date(from), to: new Date(to) }
  const message = `exclude[${index}].to is "${given.to}"; allowed is a time after from, "${given.from}".`
  throw new ServiceError('INVALID_REQUEST', message, [{ field: `exclude[${index}].to`, problem: message }])
}

function alreadyRunning(job: TrainingJob | null): ServiceError {
  const since = job ? ` since ${job.startedAt.toISOString()}` : ''
  const where = job ? `GET /train/jobs/${job.id}` : 'GET /train/status'
  const message = `A training run is under way${since}. Wait for it: ${where}.`
  return new ServiceError('TRAINING_RUNNING', message, job && { job: job.id })
}

function toFailure(error: unknown, table: TrafficTable): unknown {
  if (error instanceof TrafficTableError) {
    return new ServiceError('TRAFFIC_TABLE_UNUSABLE', error.message, null, { cause: error })
  }
  if (!isTableUnusable(error)) return error
  const reason = describeDatabaseError(error)
  const message = `The table ${table} cannot be learned from: ${reason}.`
  return new ServiceError('TRAFFIC_TABLE_UNUSABLE', message, null, { cause: error })
}

/** `fastify.training`. */
export default fp(
  async (app) => {
    const { config, sql, models, database, syntheticData, log } = app
    const { trafficTable, contamination, anomalyThreshold, retentionDays, lookBackMinutes } = config
    const { timeZone, effects, calendar } = config
    const training = createTraining({
      ...{ sql, database, models, log, contamination, anomalyThreshold, retentionDays, lookBackMinutes },
      ...{ timeZone, effects, calendar },
      table: trafficTable,
      syntheticFile: syntheticData.file,
      now: () => new Date(),
    })
    app.decorate('training', training)
    app.addHook('preClose', () => training.close())
  },
  { name: 'training', dependencies: ['config', 'database', 'model-registry', 'synthetic-data'] },
)
