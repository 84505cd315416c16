import { access } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import fp from 'fastify-plugin'
import type { Sql } from 'postgres'
import { describeDatabaseError, isTableUnusable } from '../db/errors.js'
import { minuteFigures, type TrafficTable } from '../db/queries/traffic.js'
import { ServiceError } from './errors.js'
import type { ActiveDetector, ModelRegistry } from './model-registry.js'
import type { TrainingOutcome, TrainingTask } from './training-worker.js'

/** How a run ended: the model that is active now, or why there is none of it. */
export type TrainingResult =
  | { readonly trained: true; readonly samples: number; readonly detector: ActiveDetector }
  | { readonly trained: false; readonly samples: number; readonly error: string; readonly at: Date }

export interface Training {
  /** When the run that is under way began, or null. */
  readonly startedAt: Date | null
  /** Learns from the last days of the traffic table, and makes the model active. */
  run(options: { days: number; contamination?: number | undefined }): Promise<TrainingResult>
  /** Learns from the synthetic traffic, whoever wrote the file. */
  runOnSynthetic(): Promise<TrainingResult>
  /** Ends a run that is under way; the active model stays. */
  close(): void
}

export interface TrainingOptions {
  readonly sql: Sql
  /** @throws ServiceError when the database is away */
  readonly assertDatabase: () => Promise<void>
  readonly models: ModelRegistry
  readonly table: TrafficTable
  readonly syntheticFile: string
  readonly contamination: number
  readonly anomalyThreshold: number
  readonly now: () => Date
}

declare module 'fastify' {
  interface FastifyInstance {
    training: Training
  }
}

/** The same samples make the same model. */
const SEED = 1

/** While traffic is read the database is asked this often whether it lives; so many silences end the run. */
const WATCH_MS = 2_000
const MOST_SILENCES = 2

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

export function createTraining(options: TrainingOptions): Training {
  const { sql, models, table, syntheticFile, anomalyThreshold, now } = options
  const stopping = new AbortController()
  let startedAt: Date | null = null

  /** One run at a time. */
  const exclusively = async (work: () => Promise<TrainingResult>): Promise<TrainingResult> => {
    if (startedAt) {
      const message = `A training run is under way since ${startedAt.toISOString()}. Wait for it: GET /train/status.`
      throw new ServiceError('TRAINING_RUNNING', message)
    }
    startedAt = now()
    try {
      return await work()
    } finally {
      startedAt = null
    }
  }

  /** Gives up when the service stops, and when the database has fallen silent. */
  const readTraffic = async (range: { from: Date; to: Date }): Promise<Float64Array> => {
    const lost = new AbortController()
    const signal = AbortSignal.any([stopping.signal, lost.signal])
    let silences = 0
    const watch = setInterval(() => {
      options.assertDatabase().then(
        () => (silences = 0),
        (error: unknown) => ++silences >= MOST_SILENCES && lost.abort(error),
      )
    }, WATCH_MS)
    try {
      return await orAborted(minuteFigures(sql, table, range, signal), signal)
    } catch (error) {
      if (!isTableUnusable(error)) throw error
      const reason = describeDatabaseError(error)
      const needed = 'timestamp, status_code and the duration, and the right to read it'
      const message = `The table ${table} cannot be learned from: ${reason}. Training needs its columns ${needed}.`
      throw new ServiceError('TRAFFIC_TABLE_UNUSABLE', message, null, { cause: error })
    } finally {
      clearInterval(watch)
    }
  }

  const fit = async (source: TrainingTask['source'], contamination: number): Promise<TrainingOutcome> => {
    const task: TrainingTask = { source, options: { contamination, anomalyThreshold, seed: SEED } }
    const worker = new Worker(WORKER, { workerData: task })
    try {
      return await orAborted(outcomeOf(worker), stopping.signal)
    } finally {
      await worker.terminate()
    }
  }

  const publish = async (outcome: TrainingOutcome): Promise<TrainingResult> => {
    if ('invalidFile' in outcome) {
      const message = `${syntheticFile} cannot be learned from: ${outcome.invalidFile}. POST /generate/synthetic writes it anew.`
      throw new ServiceError('INVALID_SYNTHETIC_DATA', message)
    }
    const { samples, model } = outcome
    if (!model) return { trained: false, samples, error: 'Insufficient training data', at: now() }
    return { trained: true, samples, detector: await models.publish(model) }
  }

  return {
    get startedAt() {
      return startedAt
    },
    run: ({ days, contamination = options.contamination }) =>
      exclusively(async () => {
        await options.assertDatabase()
        const to = Math.floor(now().getTime() / MINUTE_MS) * MINUTE_MS // the present minute is not over
        const range = { from: new Date(to - days * DAY_MS), to: new Date(to) }
        return publish(await fit({ samples: await readTraffic(range) }, contamination))
      }),
    runOnSynthetic: () =>
      exclusively(async () => {
        await access(syntheticFile).catch(() => {
          const message = `There is no ${syntheticFile}. POST /generate/synthetic writes it.`
          throw new ServiceError('NO_SYNTHETIC_DATA', message)
        })
        return publish(await fit({ file: syntheticFile }, options.contamination))
      }),
    close() {
      const message = 'The training run was stopped, as the service is. The active model stays.'
      stopping.abort(new ServiceError('SHUTTING_DOWN', message))
    },
  }
}

/** A worker runs JavaScript: when this is TypeScript (tsx), it takes the built file. */
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? '../dist/plugins/training-worker.js' : './training-worker.js',
  import.meta.url,
)

function outcomeOf(worker: Worker): Promise<TrainingOutcome> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('The training worker ended without a word.')))
  })
}

/** Fails as soon as the signal is aborted, with its reason, whatever the work does then. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** `fastify.training`. */
export default fp(
  async (app) => {
    const { config, sql, models, database, syntheticData } = app
    const training = createTraining({
      sql,
      assertDatabase: () => database.assertConnected(),
      models,
      table: config.trafficTable,
      syntheticFile: syntheticData.file,
      contamination: config.contamination,
      anomalyThreshold: config.anomalyThreshold,
      now: () => new Date(),
    })
    app.decorate('training', training)
    app.addHook('preClose', async () => training.close())
  },
  { name: 'training', dependencies: ['config', 'database', 'model-registry', 'synthetic-data'] },
)
