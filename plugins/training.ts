import { access } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import fp from 'fastify-plugin'
import type { Sql } from 'postgres'
import type { Log } from '../db/log.js'
import { describeDatabaseError, isTableUnusable } from '../db/errors.js'
import { minuteFigures, TrafficTableError, updateRollups } from '../db/queries/rollups.js'
import type { TrafficTable } from '../db/queries/traffic.js'
import type { TrainingJob } from '../db/queries/training-jobs.js'
import type { Database } from './database.js'
import { ServiceError } from './errors.js'
import type { Artifact, TrainingRecord } from './model-artifact.js'
import type { ModelRegistry } from './model-registry.js'
import { orAborted } from './or-aborted.js'
import { fitInWorker } from './training-fit.js'
import { createTrainingJobs, type TrainingJobs } from './training-jobs.js'
import { takeTrainingLease, type TrainingLease } from './training-lease.js'
import type { FittedModel, TrainingTask } from './training-worker.js'
import { parseTime } from './validation.js'

/** How a run ended. */
export interface TrainingResult {
  readonly trained: boolean
  /** Minutes that were learned from. */
  readonly samples: number
  /** The threshold, and the version that is active now; null when not trained. */
  readonly threshold: number | null
  readonly version: string | null
  readonly timestamp: string
  readonly error: string | null
  readonly warnings: readonly string[]
}

export interface TrainingRequest {
  readonly days: number
  readonly contamination?: number | undefined
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
  /** Begins to learn from the last days of the traffic table. */
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
  readonly database: Pick<Database, 'assertUsable' | 'openConnection'>
  readonly models: ModelRegistry
  readonly table: TrafficTable
  readonly syntheticFile: string
  readonly contamination: number
  readonly anomalyThreshold: number
  readonly retentionDays: number
  readonly lookBackMinutes: number
  readonly log: Log
  readonly now: () => Date
}

declare module 'fastify' {
  interface FastifyInstance {
    training: Training
  }
}

/** The same samples make the same model. */
const SEED = 1

const LEASE_ATTEMPTS = 10
const LEASE_PAUSE_MS = 50

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

/** What a run is made of: where its samples are, and what there is to say of them. */
interface Plan {
  readonly request: object
  readonly contamination: number
  readonly origin: Pick<TrainingRecord, 'source' | 'from' | 'to' | 'exclude'>
  read(lease: TrainingLease, signal: AbortSignal): Promise<TrainingTask['source']>
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
      const source = await orAborted(plan.read(lease, signal), signal)
      lease.progress('fitting')
      const { contamination } = plan
      const fitted = await fitInWorker(
        { source, options: { contamination, anomalyThreshold, seed: SEED } },
        signal,
      )
      lease.progress('publishing')
      const durationSeconds = (now().getTime() - startedMs) / 1000
      return await publish(lease, fitted, toRecord(plan, fitted, anomalyThreshold, durationSeconds))
    } catch (error) {
      const failure = toFailure(error, table)
      log.warn({ err: failure, job: lease.job.id }, 'the training run has ended without a model')
      await lease.abandon(failure).catch(() => undefined)
      throw failure
    } finally {
      await lease.release()
    }
  }

  const publish = async (
    lease: TrainingLease,
    { samples, model, warnings }: FittedModel,
    record: TrainingRecord,
  ): Promise<TrainingResult> => {
    const timestamp = now().toISOString()
    if (!model) {
      const error = 'Insufficient training data'
      const result = { trained: false, samples, threshold: null, version: null, timestamp, error, warnings }
      return lease.finish(
        async () => result,
        () => result,
      )
    }
    const resultOf = ({ version, trainedAt }: Artifact): TrainingResult => {
      const { threshold } = model
      return { trained: true, samples, threshold, version, timestamp: trainedAt, error: null, warnings }
    }
    return resultOf(await models.publish(model, record, (store) => lease.finish(store, resultOf)))
  }

  return {
    jobs,
    begin: async ({ days, contamination = options.contamination, exclude: given = [] }) => {
      const to = Math.floor(now().getTime() / MINUTE_MS) * MINUTE_MS // the present minute is not over
      const range = { from: new Date(to - days * DAY_MS), to: new Date(to) }
      const left = given.map(toInterval)
      const exclude = left.map(inText)
      return beginRun({
        request: { source: table, days, contamination, exclude },
        contamination,
        origin: { source: table, ...inText(range), exclude },
        async read(lease, signal) {
          lease.progress('rollups')
          const { retentionDays, lookBackMinutes } = options
          const onProgress = (share: number) => lease.progress('rollups', share)
          const rollups = { table, now: now(), retentionDays, lookBackMinutes, signal, log, onProgress }
          await updateRollups(sql, rollups)
          lease.progress('reading')
          const samples = await minuteFigures(sql, table, { ...range, exclude: left }, signal)
          return { samples, rangeMinutes: days * 1440 }
        },
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
        read: async () => ({ file: syntheticFile }),
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

function toRecord(
  { origin, contamination }: Plan,
  { model, range, anomalyShare }: FittedModel,
  anomalyThreshold: number,
  durationSeconds: number,
): TrainingRecord {
  const { nEstimators = 0, maxSamples = 0 } = model?.forest ?? {}
  return {
    ...origin,
    from: origin.from ?? range?.from ?? null,
    to: origin.to ?? range?.to ?? null,
    durationSeconds,
    parameters: {
      contamination,
      anomaly_threshold: anomalyThreshold,
      n_estimators: nEstimators,
      max_samples: maxSamples,
      seed: SEED,
    },
    metrics: { score_threshold: model?.threshold ?? 0, anomaly_share: anomalyShare },
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
    const training = createTraining({
      ...{ sql, database, models, log, contamination, anomalyThreshold, retentionDays, lookBackMinutes },
      table: trafficTable,
      syntheticFile: syntheticData.file,
      now: () => new Date(),
    })
    app.decorate('training', training)
    app.addHook('preClose', () => training.close())
  },
  { name: 'training', dependencies: ['config', 'database', 'model-registry', 'synthetic-data'] },
)
