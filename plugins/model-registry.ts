import { setTimeout as delay } from 'node:timers/promises'
import fp from 'fastify-plugin'
import type { TransactionSql } from 'postgres'
import type { Log } from '../db/log.js'
import type { VersionRow } from '../db/own/models.js'
import type { AnomalyModel } from '../models/anomaly/model.js'
import type { RateOptimizer } from '../models/optimizer/model.js'
import { removeAbandoned } from '../db/files.js'
import type { EngineChoice } from './config.js'
import { ServiceError } from './http/errors.js'
import type { Artifact } from './model-registry/artifact.js'
import { ModelFiles } from './model-registry/files.js'
import { followActiveModel } from './model-registry/follower.js'
import { ANOMALY_DETECTOR, RATE_OPTIMIZER } from './model-registry/kinds.js'
import { createModelSlot, type ModelSlot, type Trained } from './model-registry/slot.js'
import { ModelStore } from './model-registry/store.js'
import { chooseEngine, type ChosenEngine } from './model-registry/scoring-engine.js'

/** A model that is in use, with the engine that scores its forest. Immutable. */
export interface ActiveDetector extends Artifact, ChosenEngine {}

export type ActiveOptimizer = Artifact<RateOptimizer>

/** What is in use at one moment. Take it once for each request: the next may find another. */
export interface ActiveModels {
  readonly anomaly: ActiveDetector | null
  readonly optimizer: ActiveOptimizer | null
}

/** The models by the names that requests have for them. */
export const MODEL_NAMES = ['anomaly', 'optimizer'] as const
export type ModelName = (typeof MODEL_NAMES)[number]

/** What a run has made; null: nothing of that kind, and what is active stays. */
export interface TrainedModels {
  readonly anomaly: Trained<AnomalyModel> | null
  readonly optimizer: Trained<RateOptimizer> | null
}

/** What a run has stored, under one version. */
export interface PublishedModels {
  readonly anomaly: Artifact | null
  readonly optimizer: ActiveOptimizer | null
}

/** Stores in the transaction of the run that made the models. */
export type InTransaction = (
  store: (tx: TransactionSql) => Promise<PublishedModels>,
) => Promise<PublishedModels>

/** What changes the active model of one kind. */
export type ModelChanges<A> = Pick<ModelSlot<never, never>, 'reset' | 'versions'> & {
  /** Makes the stored model active: the one last chosen, or the newest that is whole. Null when there is none. */
  load(): Promise<A | null>
  /** Makes a stored version active. */
  activate(version: string): Promise<A>
}

export interface ModelRegistry {
  readonly active: ActiveModels
  /** What is wrong with the stored models, in sentences. */
  readonly problems: readonly string[]
  readonly anomaly: ModelChanges<ActiveDetector>
  readonly optimizer: ModelChanges<ActiveOptimizer>
  /** Stores models durably as a new version and makes them active, in the transaction of the run that made them. */
  publish(trained: TrainedModels, inTransaction: InTransaction): Promise<PublishedModels>
  /** Takes up what the database says is active. */
  sync(): Promise<void>
  /** Takes up what the files of this replica say was active: what there is while the database is away. */
  restoreFromFiles(): Promise<void>
  /** Makes nothing active, until the next load, activation or training. Stored versions stay. */
  reset(): Promise<void>
  versions(): Promise<Record<ModelName, VersionRow[]>>
  /** Tells when no detector is active any more, wherever that was asked for. */
  onReset(listener: () => void): void
  /** Ends the change that is under way; none comes after it. */
  close(): Promise<void>
}

export interface RegistryOptions {
  readonly stores: {
    readonly anomaly: ModelStore<AnomalyModel>
    readonly optimizer: ModelStore<RateOptimizer>
  }
  readonly engine: EngineChoice
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly now: () => Date
}

declare module 'fastify' {
  interface FastifyInstance {
    models: ModelRegistry
  }
}

/** How long a notification that was lost goes unnoticed. */
const POLL_MS = 10_000

/** A change that hangs with its database ends, so that others get their turn. */
const CHANGE_LIMIT_MS = 30_000

/** How long a change that hangs with its database can hold up the end. */
const CLOSE_LIMIT_MS = 2_000

export function createModelRegistry({ stores, engine, log, now }: RegistryOptions): ModelRegistry {
  let active: ActiveModels = Object.freeze({ anomaly: null, optimizer: null })
  const { inTurn, end } = createTurns()
  const resetListeners: (() => void)[] = []

  const anomaly = createModelSlot<AnomalyModel, ActiveDetector>({
    store: stores.anomaly,
    log,
    prepare: async (artifact) =>
      Object.freeze({ ...artifact, ...(await chooseEngine(engine, artifact.model.forest)) }),
    onChange(detector, before) {
      active = Object.freeze({ ...active, anomaly: detector })
      before?.engine.dispose()
      if (!detector) resetListeners.forEach((listener) => listener())
      else log.info({ version: detector.version, engine: detector.engine.name }, 'model active')
    },
  })
  const optimizer = createModelSlot<RateOptimizer, ActiveOptimizer>({
    store: stores.optimizer,
    log,
    prepare: async (artifact) => Object.freeze(artifact),
    onChange(artifact) {
      active = Object.freeze({ ...active, optimizer: artifact })
      if (artifact) log.info({ version: artifact.version }, 'rate optimizer active')
    },
  })

  /** All of one run under one version. */
  const enter = async (tx: TransactionSql, trained: TrainedModels): Promise<PublishedModels> => {
    const trainedAt = now()
    const versions = [await anomaly.versionAt(tx, trainedAt), await optimizer.versionAt(tx, trainedAt)]
    const version = versions.sort().at(-1)!
    return {
      anomaly: trained.anomaly && (await anomaly.enter(tx, trained.anomaly, version, trainedAt)),
      optimizer: trained.optimizer && (await optimizer.enter(tx, trained.optimizer, version, trainedAt)),
    }
  }

  return {
    get active() {
      return active
    },
    get problems() {
      return [...new Set([...anomaly.problems, ...optimizer.problems])]
    },
    anomaly: changesOf(anomaly, inTurn),
    optimizer: changesOf(optimizer, inTurn),
    publish: (trained, inTransaction) =>
      inTurn(async () => {
        const published = await inTransaction((tx) => enter(tx, trained))
        return {
          anomaly: published.anomaly && (await anomaly.takeUpNew(published.anomaly)),
          optimizer: published.optimizer && (await optimizer.takeUpNew(published.optimizer)),
        }
      }),
    sync: () =>
      inTurn(async () => {
        await anomaly.sync()
        await optimizer.sync()
      }),
    restoreFromFiles: () =>
      inTurn(async () => {
        await anomaly.restoreFromFiles()
        await optimizer.restoreFromFiles()
      }),
    reset: () =>
      inTurn(async () => {
        await anomaly.reset()
        await optimizer.reset()
      }),
    versions: async () => ({ anomaly: await anomaly.versions(), optimizer: await optimizer.versions() }),
    onReset: (listener) => void resetListeners.push(listener),
    async close() {
      await end()
      anomaly.drop()
      optimizer.drop()
    },
  }
}

function changesOf<M, A extends Artifact<M>>(slot: ModelSlot<M, A>, inTurn: InTurn): ModelChanges<A> {
  return {
    load: () => inTurn(() => slot.load()),
    activate: (version) => inTurn(() => slot.activate(version)),
    reset: () => inTurn(() => slot.reset()),
    versions: () => slot.versions(),
  }
}

function withinLimit<T>(change: Promise<T>): Promise<T> {
  const message = 'The database does not answer. Try again shortly; GET /health shows its state.'
  const silence = delay(CHANGE_LIMIT_MS, undefined, { ref: false }).then(() => {
    throw new ServiceError('DATABASE_UNAVAILABLE', message)
  })
  return Promise.race([change, silence])
}

type InTurn = <T>(change: () => Promise<T>) => Promise<T>

/** One change at a time: each starts when the one before has ended, well or badly. */
function createTurns(): { inTurn: InTurn; end: () => Promise<void> } {
  let last: Promise<unknown> = Promise.resolve()
  let closed = false
  return {
    inTurn(change) {
      if (closed) return Promise.reject(new ServiceError('SHUTTING_DOWN', 'The service is stopping.'))
      const result = last.then(() => withinLimit(change()))
      last = result.catch(() => undefined)
      return result
    },
    async end() {
      closed = true
      await Promise.race([last, delay(CLOSE_LIMIT_MS, undefined, { ref: false })])
    },
  }
}

/** `fastify.models`: what the database says is active or, while it is away, what was active on this replica. */
export default fp(
  async (app) => {
    const { sql, database, log } = app
    const { modelPath, scoringEngine } = app.config
    const stores = {
      anomaly: new ModelStore(sql, new ModelFiles(modelPath), log, ANOMALY_DETECTOR),
      optimizer: new ModelStore(sql, new ModelFiles(modelPath, 'rate_optimizer'), log, RATE_OPTIMIZER),
    }
    const registry = createModelRegistry({ stores, engine: scoringEngine, log, now: () => new Date() })
    await removeAbandoned(modelPath, Date.now())
    const following = await followActiveModel({ registry, database, log, pollMs: POLL_MS })
    app.decorate('models', registry)
    app.addHook('onClose', async () => {
      await following.stop()
      await registry.close()
    })
  },
  { name: 'model-registry', dependencies: ['config', 'database'] },
)
