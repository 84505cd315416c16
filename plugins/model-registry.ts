import fp from 'fastify-plugin'
import type { Log } from '../db/log.js'
import type { AnomalyModel } from '../models/anomaly/model.js'
import { removeAbandoned } from './atomic-file.js'
import { ModelFiles, versionAfter, type Artifact } from './model-files.js'
import { chooseEngine, type ChosenEngine } from './scoring-engine.js'
import type { EngineChoice } from './config.js'

/** A model that is in use, with the engine that scores its forest. Immutable. */
export interface ActiveDetector extends Artifact, ChosenEngine {}

/** What is in use at one moment. Take it once for each request: the next may find another. */
export interface ActiveModels {
  readonly anomaly: ActiveDetector | null
}

export interface ModelRegistry {
  readonly active: ActiveModels
  /** What is wrong with the stored models, in sentences. */
  readonly problems: readonly string[]
  /** Stores a model durably as a new version, then makes it the active one. */
  publish(model: AnomalyModel): Promise<ActiveDetector>
  /** Takes up what was active before the last stop. What stands in for a damaged file is not chosen for good. */
  restore(): Promise<void>
  /** Makes the stored model active: the one last chosen, or the newest that is whole. Null when there is none. */
  load(): Promise<ActiveDetector | null>
  /** Makes nothing active, until the next load or publish and across restarts. Stored versions stay. */
  reset(): Promise<void>
  close(): void
}

export interface RegistryOptions {
  readonly files: ModelFiles
  readonly engine: EngineChoice
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly now: () => Date
}

declare module 'fastify' {
  interface FastifyInstance {
    models: ModelRegistry
  }
}

const NOTHING: ActiveModels = Object.freeze({ anomaly: null })

export function createModelRegistry({ files, engine, log, now }: RegistryOptions): ModelRegistry {
  let active = NOTHING
  let problems: readonly string[] = []
  let last: Promise<unknown> = Promise.resolve()

  /** One change at a time: each starts when the one before has ended, well or badly. */
  const inTurn = <T>(change: () => Promise<T>): Promise<T> => {
    const result = last.then(change, change)
    last = result.catch(() => undefined)
    return result
  }
  const swap = (detector: ActiveDetector | null): void => {
    const before = active
    active = Object.freeze({ anomaly: detector })
    before.anomaly?.engine.dispose()
  }
  const use = async (artifact: Artifact): Promise<ActiveDetector> => {
    const detector = Object.freeze({ ...artifact, ...(await chooseEngine(engine, artifact.model.forest)) })
    swap(detector)
    log.info({ version: detector.version, engine: detector.engine.name }, 'model active')
    return detector
  }
  const readWhole = async (version: string): Promise<Artifact | null> => {
    try {
      return await files.read(version)
    } catch (error) {
      const reason = (error as Error).message.replace(/\.$/, '')
      const problem = `Model file ${files.pathOf(version)} cannot be used: ${reason}.`
      log.warn({ err: error, version }, problem)
      problems = [...problems, problem]
      return null
    }
  }

  /** The version last chosen or, where it is missing or damaged, the newest that is whole. */
  const findWhole = async (): Promise<Artifact | null> => {
    problems = []
    const chosen = await files.activeVersion()
    for (const version of new Set([...(chosen ? [chosen] : []), ...(await files.versions())])) {
      const artifact = await readWhole(version)
      if (artifact) return artifact
    }
    return null
  }

  return {
    get active() {
      return active
    },
    get problems() {
      return problems
    },
    publish: (model) =>
      inTurn(async () => {
        const trainedAt = now()
        const newest = (await files.versions())[0]
        const artifact = {
          version: versionAfter(newest, trainedAt),
          trainedAt: trainedAt.toISOString(),
          model,
        }
        await files.write(artifact)
        await files.setActiveVersion(artifact.version)
        const detector = await use(artifact)
        problems = []
        await files.prune(detector.version)
        return detector
      }),
    restore: () =>
      inTurn(async () => {
        if ((await files.activeVersion()) === null) return
        const artifact = await findWhole()
        if (artifact) await use(artifact)
      }),
    load: () =>
      inTurn(async () => {
        const artifact = await findWhole()
        if (!artifact) return null
        await files.setActiveVersion(artifact.version)
        return use(artifact)
      }),
    reset: () =>
      inTurn(async () => {
        await files.setActiveVersion(null)
        swap(null)
      }),
    close: () => swap(null),
  }
}

/** `fastify.models`: what was active before the last stop is active again, unless it was reset. */
export default fp(
  async (app) => {
    const { modelPath, scoringEngine } = app.config
    const files = new ModelFiles(modelPath)
    const registry = createModelRegistry({
      files,
      engine: scoringEngine,
      log: app.log,
      now: () => new Date(),
    })
    await removeAbandoned(modelPath, Date.now())
    await registry.restore()
    app.decorate('models', registry)
    app.addHook('onClose', async () => registry.close())
  },
  { name: 'model-registry', dependencies: ['config'] },
)
