import { setTimeout as delay } from 'node:timers/promises'
import fp from 'fastify-plugin'
import { orAborted } from '../db/or-aborted.js'
import type { TransactionSql } from 'postgres'
import type { TrainingJob } from '../db/own/jobs.js'
import { MINUTE_MS } from '../models/traffic/durations.js'
import type { LeastEffects } from '../models/anomaly/effects.js'
import type { Database } from './database.js'
import { ServiceError } from './http/errors.js'
import { explainTableError } from './http/table-errors.js'
import { LOCAL_FOR_NOW, type ActiveDetector, type ModelRegistry } from './model-registry.js'
import { activated, activeVersions, enterComparison, refusalsOf } from './training/activation.js'
import type { DetectorTask } from './training/detector-worker.js'
import { toldOf, type EndedRun } from './training/ended-run.js'
import { createTrainingJobs, type TrainingJobs } from './training/jobs.js'
import { takeTrainingLease, type TrainingLease } from './training/lease.js'
import {
  MIN_AUTOMATIC_MINUTES,
  recordedPlan,
  syntheticPlan,
  type Plan,
  type PlanOptions,
  type TrainingRequest,
} from './training/plan.js'
import {
  SEED,
  toResult,
  toTrained,
  type Learned,
  type Refusals,
  type TrainingResult,
} from './training/result.js'
import { fitDetector, fitOptimizer } from './training/workers.js'
import { traced } from './tracing/span.js'
import type { CurrentTable } from './traffic-table.js'

/** What an automatic run leaves behind, in the transaction that stores its models. */
export type OnEnd = (tx: TransactionSql, result: TrainingResult, job: string) => Promise<void>

/** A run that has begun. */
export interface TrainingRun {
  readonly job: TrainingJob
  readonly result: Promise<TrainingResult>
}

export interface Training {
  /** Calls back at the end of each run of this replica. The listener does not throw. */
  onEnded(listener: (run: EndedRun) => void): void
  readonly jobs: TrainingJobs
  /** Begins a run on a range of the traffic table. It takes the place of an automatic run that is under way. */
  begin(request: TrainingRequest): Promise<TrainingRun>
  /**
   * Begins a run that nobody asked for: a new detector becomes active only if it is not worse than the active one. The run
   * fails with NO_DATA when there is too little to learn from.
   * @param onEnd enters how it ended, in the transaction that stores the models
   */
  beginAutomatic(request: TrainingRequest, onEnd: OnEnd): Promise<TrainingRun>
  /**
   * A run on the file of synthetic traffic, whoever wrote it. While the database is down, the model becomes active on
   * this replica alone; a warning says so.
   */
  runOnSynthetic(): Promise<{ readonly result: TrainingResult; readonly warnings: readonly string[] }>
  /** Aborted when the service stops. */
  readonly closing: AbortSignal
  /** Stops the run of this replica. The active model stays. */
  close(): Promise<void>
}

export interface TrainingOptions extends Omit<PlanOptions, 'table'> {
  readonly currentTable: CurrentTable
  readonly database: Pick<
    Database,
    'assertUsable' | 'assertTraffic' | 'status' | 'openConnection' | 'connection' | 'traffic'
  >
  readonly models: Pick<ModelRegistry, 'publish' | 'local' | 'active'>
  readonly anomalyThreshold: number
  readonly alarmBudget: number
  readonly timeZone: string
  readonly effects: LeastEffects
}

declare module 'fastify' {
  interface FastifyInstance {
    training: Training
  }
}

const MAX_LEASE_ATTEMPTS = 10
const LEASE_PAUSE_MS = 50

/** An automatic run ends so soon when a person wants to train. */
const MAX_TAKE_OVER_MS = 15_000

function createTraining(options: TrainingOptions): Training {
  const { sql, database, models, currentTable, anomalyThreshold, timeZone, effects, now, log } = options
  const { alarmBudget } = options
  const closing = new AbortController()
  const jobs = createTrainingJobs(sql, database)
  const runs = new Set<Promise<unknown>>()
  const listeners: ((run: EndedRun) => void)[] = []
  let isTrainingLocally = false

  /** @param onEnd of an automatic run; null for one that somebody asked for */
  const beginRun = async (plan: Plan, onEnd: OnEnd | null): Promise<TrainingRun> => {
    await database.assertUsable()
    const request = onEnd ? { ...plan.request, automatic: true } : plan.request
    const lease = await leaseOrRefuse(request, onEnd === null)
    const facts = { 'aegis_ml.job': lease.job.id, 'aegis_ml.automatic': onEnd !== null }
    const run = traced('training', facts, () => carryOut(lease, plan, onEnd))
    return { job: lease.job, result: tracked(toldOf(run, onEnd !== null, listeners)) }
  }

  const planOf = async (request: TrainingRequest): Promise<Plan> => {
    await database.assertTraffic()
    return recordedPlan({ ...options, table: await currentTable() }, request)
  }

  const tracked = <T>(result: Promise<T>): Promise<T> => {
    const ended = result.catch(() => undefined).finally(() => runs.delete(ended))
    runs.add(ended)
    return result
  }

  /** @param takesOver whether it stops an automatic run that has the lease */
  const leaseOrRefuse = async (request: object, takesOver: boolean): Promise<TrainingLease> => {
    const untilMs = performance.now() + MAX_TAKE_OVER_MS
    let attempts = 0
    for (;;) {
      const lease = await takeTrainingLease(database.openConnection(), request)
      if (lease) return lease
      const job = await jobs.current()
      if (job && takesOver && isAutomatic(job) && performance.now() < untilMs) await jobs.stop(job.id)
      else if (job || ++attempts === MAX_LEASE_ATTEMPTS) throw alreadyRunning(job)
      await delay(LEASE_PAUSE_MS) // the run that has the lock is about to enter itself, or has just ended
    }
  }

  const carryOut = async (lease: TrainingLease, plan: Plan, onEnd: OnEnd | null): Promise<TrainingResult> => {
    try {
      return await train(lease, plan, onEnd, AbortSignal.any([closing.signal, lease.signal]))
    } catch (error) {
      const problem = `The table ${plan.origin.source} cannot be used for training`
      const failure = explainTableError(error, { code: 'TRAFFIC_TABLE_UNUSABLE', problem })
      const isExpected = failure instanceof ServiceError && failure.code === 'NO_DATA'
      if (!isExpected)
        log.warn({ err: failure, job: lease.job.id }, 'the training run has ended without a model')
      await lease.abandon(failure).catch(() => undefined)
      throw failure
    } finally {
      await lease.release()
    }
  }

  /** From the rollups to the models, which nobody uses yet. */
  const learn = async (
    plan: Plan,
    onEnd: OnEnd | null,
    progress: TrainingLease['progress'],
    signal: AbortSignal,
  ): Promise<Learned> => {
    const { contamination, intervalSeconds, arrivals } = plan
    const startedMs = now().getTime()

    // Bring the rollups up to date.
    const prepared = plan.prepare(signal, (share) => progress('rollups', share))
    await orAborted(prepared, signal)

    // Read, and fit in worker threads.
    progress('reading')
    const source = plan.samples && (await orAborted(plan.samples(signal), signal))
    if (onEnd && source) assertEnough(source)
    const reference = source && (await referenceOf(plan, models.active.anomaly, signal))
    const optimizer =
      arrivals &&
      (await fitOptimizer(
        { ...arrivals, connection: database.connection, traffic: database.traffic?.connection ?? null },
        (share) => progress('arrivals', share),
        signal,
      ))
    progress('fitting')
    const fitting = { contamination, anomalyThreshold, intervalSeconds, timeZone, effects, seed: SEED }
    const detector =
      source && (await fitDetector({ source, options: fitting, alarmBudget, reference }, signal))

    progress('publishing')
    const gaps = plan.gaps && (await plan.gaps())
    const durationSeconds = (now().getTime() - startedMs) / 1000
    return { detector, optimizer, durationSeconds, gaps, warnings: plan.warnings() }
  }

  /** The whole run. Where it fails, or the signal ends it, nothing has changed. */
  const train = async (
    lease: TrainingLease,
    plan: Plan,
    onEnd: OnEnd | null,
    signal: AbortSignal,
  ): Promise<TrainingResult> => {
    const { contamination } = plan
    const before = onEnd && (await activeVersions(sql))
    const learned = await learn(plan, onEnd, (stage, share) => lease.progress(stage, share), signal)
    const endedAt = now().toISOString()
    const trained = toTrained(plan, { contamination, anomalyThreshold }, learned)
    return models.publish(async (publishing) => {
      // Store the models and finish the job, in one transaction.
      const { active, result } = await lease.transaction(async (tx) => {
        const refusals: Refusals = before ? await refusalsOf(tx, before, learned) : new Map()
        const stored = await publishing.store(tx, trained, new Set(refusals.keys()))
        await enterComparison(tx, stored, learned, { automatic: onEnd !== null, refusals })
        const result = toResult(learned, stored, endedAt, refusals)
        await lease.finish(tx, result)
        await onEnd?.(tx, result, lease.job.id)
        return { active: activated(stored, refusals), result }
      })
      // It is committed, and the other replicas have been notified. Activate the models on this one.
      await publishing.activate(active)
      return result
    })
  }

  /** A run without the database, hence without a job. */
  const trainLocally = async (plan: Plan): Promise<TrainingResult> => {
    if (isTrainingLocally) throw alreadyRunning(null)
    isTrainingLocally = true
    try {
      const { contamination } = plan
      const learned = await learn(plan, null, () => undefined, closing.signal)
      closing.signal.throwIfAborted()
      const trained = toTrained(plan, { contamination, anomalyThreshold }, learned)
      return toResult(learned, await models.local.publish(trained), now().toISOString())
    } finally {
      isTrainingLocally = false
    }
  }

  return {
    jobs,
    onEnded: (listener) => void listeners.push(listener),
    begin: async (request) => beginRun(await planOf(request), null),
    beginAutomatic: async (request, onEnd) => beginRun(await planOf(request), onEnd),
    async runOnSynthetic() {
      const plan = await syntheticPlan(options)
      if ((await database.status()) !== 'connected')
        return {
          result: await tracked(toldOf(trainLocally(plan), false, listeners)),
          warnings: [LOCAL_FOR_NOW],
        }
      const { result } = await beginRun(plan, null)
      return { result: await result, warnings: [] }
    },
    closing: closing.signal,
    async close() {
      const message = 'The training run was stopped because the service is stopping. The active model stays.'
      closing.abort(new ServiceError('SHUTTING_DOWN', message))
      await Promise.all(runs)
    },
  }
}

const isAutomatic = ({ request }: TrainingJob) => (request as { automatic?: unknown }).automatic === true

/** @throws ServiceError NO_DATA */
function assertEnough(source: DetectorTask['source']): void {
  if (!('history' in source)) return
  const { timesMs, intervalSeconds = MINUTE_MS / 1000 } = source.history
  const minutes = (timesMs.length * intervalSeconds) / 60
  if (minutes >= MIN_AUTOMATIC_MINUTES) return
  const message = `There are ${Math.round(minutes)} minutes with requests; an automatic training needs ${MIN_AUTOMATIC_MINUTES}.`
  throw new ServiceError('NO_DATA', message)
}

/** What people marked, and what a new detector is compared with. Null for samples that are learned as they are. */
async function referenceOf(
  plan: Plan,
  active: ActiveDetector | null,
  signal: AbortSignal,
): Promise<DetectorTask['reference']> {
  if (!plan.marks || !plan.recent) return null
  const marks = await orAborted(plan.marks(), signal)
  if (!active) return { marks, replay: null }
  const history = await orAborted(plan.recent(signal), signal)
  const { version, model } = active
  return { marks, replay: { history, version, model, calendar: plan.calendar } }
}

function alreadyRunning(job: TrainingJob | null): ServiceError {
  const since = job ? ` since ${job.startedAt.toISOString()}` : ''
  const where = job ? `GET /train/jobs/${job.id}` : 'GET /train/status'
  const message = `A training run is under way${since}. Wait for it: ${where}.`
  return new ServiceError('TRAINING_RUNNING', message, job && { job: job.id })
}

/** `fastify.training`. */
export default fp(
  async (app) => {
    const { config, sql, trafficSql, models, database, syntheticData, prometheus, log } = app
    const { contamination, anomalyThreshold, alarmBudget, retentionDays, lookBackMinutes } = config
    const { timeZone, effects, calendar, ipv6Prefix, pathRules } = config
    const training = createTraining({
      ...{ sql, trafficSql, database, models, log },
      ...{ contamination, anomalyThreshold, alarmBudget, retentionDays, lookBackMinutes },
      ...{ timeZone, effects, calendar, ipv6Prefix, pathRules, prometheus },
      currentTable: app.trafficTable,
      syntheticFile: syntheticData.file,
      now: () => new Date(),
    })
    app.decorate('training', training)
    app.addHook('preClose', () => training.close())
  },
  {
    name: 'training',
    dependencies: ['config', 'database', 'traffic-table', 'model-registry', 'synthetic-data', 'prometheus'],
  },
)
