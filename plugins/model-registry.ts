import { setTimeout as delay } from 'node:timers/promises'
import fp from 'fastify-plugin'
import type { TransactionSql } from 'postgres'
import type { Log } from '../db/log.js'
import type { VersionRow } from '../db/queries/models.js'
import type { AnomalyModel } from '../models/anomaly/model.js'
import { removeAbandoned } from './atomic-file.js'
import type { EngineChoice } from './config.js'
import { ServiceError } from './errors.js'
import { isVersion, versionAfter, type Artifact, type TrainingRecord } from './model-artifact.js'
import { ModelFiles } from './model-files.js'
import { followActiveModel } from './model-follower.js'
import { ModelStore } from './model-store.js'
import { chooseEngine, type ChosenEngine } from './scoring-engine.js'

/** A model that is in use, with the engine that scores its forest. Immutable. */
export interface ActiveDetector extends Artifact, ChosenEngine {}

/** What is in use at one moment. Take it once for each request: the next may find another. */
export interface ActiveModels {
  readonly anomaly: ActiveDetector | null
}

/** Stores in the transaction of the run that made the model. */
export type InTransaction = (store: (tx: TransactionSql) => Promise<Artifact>) => Promise<Artifact>

export interface ModelRegistry {
  readonly active: ActiveModels
  /** What is wrong with the stored models, in sentences. */
  readonly problems: readonly string[]
  /** Stores a model durably as a new version and makes it active, in the transaction of the run that made it. */
  publish(
    model: AnomalyModel,
    training: TrainingRecord,
    inTransaction: InTransaction,
  ): Promise<ActiveDetector>
  /** Takes up what the database says is active. */
  sync(): Promise<void>
  /** Takes up what the files of this replica say was active: what there is while the database is away. */
  restoreFromFiles(): Promise<void>
  /** Makes the stored model active: the one last chosen, or the newest that is whole. Null when there is none. */
  load(): Promise<ActiveDetector | null>
  /** Makes a stored version active. */
  activate(version: string): Promise<ActiveDetector>
  /** Makes nothing active, until the next load, activation or training. Stored versions stay. */
  reset(): Promise<void>
  /** What is stored, the newest first. */
  versions(): Promise<VersionRow[]>
  /** Tells when nothing is active any more, wherever that was asked for. */
  onReset(listener: () => void): void
  /** Ends the change that is under way; none comes after it. */
  close(): Promise<void>
}

export interface RegistryOptions {
  readonly store: ModelStore
  readonly engine: EngineChoice
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly now: () => Date
}

declare module 'fastify' {
  interface FastifyInstance {
    models: ModelRegistry
  }
}

const POLL_MS = 10_000

/** How long a change that hangs with its database can hold up the end. */
const CLOSE_LIMIT_MS = 2_000

/** A change that hangs with its database ends, so that others get their turn. */
const CHANGE_LIMIT_MS = 30_000

function withinLimit<T>(change: Promise<T>): Promise<T> {
  const message = 'The database does not answer. Try again shortly; GET /health shows its state.'
  const silence = delay(CHANGE_LIMIT_MS, undefined, { ref: false }).then(() => {
    throw new ServiceError('DATABASE_UNAVAILABLE', message)
  })
  return Promise.race([change, silence])
}

const NOTHING: ActiveModels = Object.freeze({ anomaly: null })

export function createModelRegistry({ store, engine, log, now }: RegistryOptions): ModelRegistry {
  const { sql, files } = store
  let active = NOTHING
  let problems: string[] = []
  let last: Promise<unknown> = Promise.resolve()
  let closed = false
  const resetListeners: (() => void)[] = []

  /** One change at a time: each starts when the one before has ended, well or badly. */
  const inTurn = <T>(change: () => Promise<T>): Promise<T> => {
    if (closed) return Promise.reject(new ServiceError('SHUTTING_DOWN', 'The service is stopping.'))
    const result = last.then(() => withinLimit(change()))
    last = result.catch(() => undefined)
    return result
  }
  const report = (problem: string): void => {
    problems.push(problem)
  }
  const swap = (detector: ActiveDetector | null): void => {
    const before = active
    active = Object.freeze({ anomaly: detector })
    before.anomaly?.engine.dispose()
    if (!detector) resetListeners.forEach((listener) => listener())
  }
  const use = async (artifact: Artifact): Promise<ActiveDetector> => {
    const detector = Object.freeze({ ...artifact, ...(await chooseEngine(engine, artifact.model.forest)) })
    swap(detector)
    log.info({ version: detector.version, engine: detector.engine.name }, 'model active')
    return detector
  }
  /** The database has it for certain: a disk that is full is a problem to tell of, no reason to fail. */
  const onDisk = async (work: Promise<void>): Promise<void> => {
    await work.catch((error: unknown) => {
      log.warn({ err: error }, 'MODEL_PATH cannot be written')
      report(`MODEL_PATH cannot be written (${(error as Error).message}): free its disk or grant the rights.`)
    })
  }
  const takeUp = async (artifact: Artifact): Promise<ActiveDetector> => {
    const detector = await use(artifact)
    await onDisk(store.keepFile(artifact))
    return detector
  }
  const firstWhole = async (
    versions: Iterable<string>,
    find: (version: string) => Promise<Artifact | null>,
  ): Promise<Artifact | null> => {
    for (const version of versions) {
      const artifact = await find(version)
      if (artifact) return artifact
    }
    return null
  }
  /** In the order in which they are tried: the chosen one, then the newest. */
  const inOrder = (chosen: string | null | undefined, ...others: string[][]): Set<string> =>
    new Set([...(chosen ? [chosen] : []), ...others.flat().sort().reverse()])

  const useNothing = async (): Promise<void> => {
    swap(null)
    await onDisk(files.setActiveVersion(null))
  }

  /** A database that has never been told (a new one) learns what this replica uses. */
  const adoptOwn = async (): Promise<void> => {
    const chosen = await files.activeVersion()
    if (chosen === null) return
    const versions = inOrder(chosen, await files.versions())
    const artifact = await firstWhole(versions, (version) => store.findFile(version, report))
    if (!artifact) return
    await sql.begin((tx) => store.activate(tx, artifact, false))
    await takeUp(artifact)
  }

  return {
    get active() {
      return active
    },
    get problems() {
      return problems
    },
    publish: (model, training, inTransaction) =>
      inTurn(async () => {
        const kept = await files.versions()
        const artifact = await inTransaction(async (tx) => {
          const trainedAt = now()
          const known = inOrder(
            null,
            (await store.versions(tx)).map(({ version }) => version),
          )
          const [newest] = inOrder(null, [...known], kept)
          const version = versionAfter(newest, trainedAt)
          const artifact = { version, trainedAt: trainedAt.toISOString(), training, model }
          await store.activate(tx, artifact, true)
          return artifact
        })
        problems = []
        return takeUp(artifact)
      }),
    sync: () =>
      inTurn(async () => {
        const chosen = await store.active()
        const isNew = chosen !== (active.anomaly?.version ?? null)
        // While this replica was down a reset did not reach its files.
        if (!isNew && (chosen !== null || (await files.activeVersion()) === null)) return
        problems = []
        if (chosen === undefined) return adoptOwn()
        if (chosen === null) return useNothing()
        const artifact = await store.find(chosen, report)
        if (artifact) await takeUp(artifact)
        else if (!active.anomaly) await standIn()
      }),
    restoreFromFiles: () => inTurn(standIn),
    load: () =>
      inTurn(async () => {
        problems = []
        const stored = (await store.versions()).map(({ version }) => version)
        const versions = inOrder(await store.active(), stored, await files.versions())
        const artifact = await firstWhole(versions, (version) => store.find(version, report))
        if (!artifact) return null
        await sql.begin((tx) => store.activate(tx, artifact, false))
        return takeUp(artifact)
      }),
    activate: (version) =>
      inTurn(async () => {
        const reasons: string[] = []
        if (!isVersion(version)) throw cannotActivate(version, reasons) // it goes into the name of a file
        const artifact = await store.find(version, (problem) => reasons.push(problem))
        if (!artifact) throw cannotActivate(version, reasons)
        await sql.begin((tx) => store.activate(tx, artifact, false))
        problems = []
        return takeUp(artifact)
      }),
    reset: () =>
      inTurn(async () => {
        await sql.begin((tx) => store.choose(tx, null))
        problems = []
        await useNothing()
      }),
    versions: () => store.versions(),
    onReset: (listener) => void resetListeners.push(listener),
    async close() {
      closed = true
      await Promise.race([last, delay(CLOSE_LIMIT_MS, undefined, { ref: false })])
      swap(null)
    },
  }

  /** What stands in for a missing or damaged version is not chosen for good. */
  async function standIn(): Promise<void> {
    const chosen = await files.activeVersion()
    if (chosen === null) return
    const versions = inOrder(chosen, await files.versions())
    const artifact = await firstWhole(versions, (version) => store.findFile(version, report))
    if (artifact) await use(artifact)
  }
}

function cannotActivate(version: string, reasons: readonly string[]): ServiceError {
  if (reasons.length > 0) return new ServiceError('MODEL_UNUSABLE', reasons.join(' '))
  const message = `There is no version ${version}. GET /model/versions lists those that are stored.`
  return new ServiceError('MODEL_NOT_FOUND', message)
}

/** `fastify.models`: what the database says is active or, while it is away, what was active on this replica. */
export default fp(
  async (app) => {
    const { sql, database, log } = app
    const { modelPath, scoringEngine } = app.config
    const store = new ModelStore(sql, new ModelFiles(modelPath), log)
    const registry = createModelRegistry({ store, engine: scoringEngine, log, now: () => new Date() })
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
