import fp from 'fastify-plugin'
import type { Log } from '../db/log.js'
import type { AnomalyModel } from '../models/anomaly/model.js'
import { ModelFiles, type Artifact } from './model-files.js'
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
  const activate = async (artifact: Artifact): Promise<ActiveDetector> => {
    const detector = Object.freeze({ ...artifact, ...(await chooseEngine(engine, artifact.model.forest)) })
    await files.setActiveVersion(artifact.version)
    swap(detector)
    log.info({ version: detector.version, engine: detector.engine.name }, 'model active')
    return detector
  }
  const readWhole = async (version: string): Promise<Artifact | null> => {
    try {
      return await files.read(version)
    } catch (error) {
      const problem = `Model file ${files.pathOf(version)} cannot be used: ${(error as Error).message}.`
      log.warn({ err: error, version }, problem)
      problems = [...problems, problem]
      return null
    }
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
        const detector = await activate(artifact)
        problems = []
        await files.prune(detector.version)
        return detector
      }),
    load: () =>
      inTurn(async () => {
        problems = []
        await files.removeAbandoned(now().getTime())
        const chosen = await files.activeVersion()
        const newestFirst = await files.versions()
        for (const version of new Set([...(chosen ? [chosen] : []), ...newestFirst])) {
          if (!newestFirst.includes(version)) continue
          const artifact = await readWhole(version)
          if (artifact) return activate(artifact)
        }
        return null
      }),
    reset: () =>
      inTurn(async () => {
        await files.setActiveVersion(null)
        swap(null)
      }),
    close: () => swap(null),
  }
}

/** The time as a version; later than the newest one even if the clock went back. */
function versionAfter(newest: string | undefined, time: Date): string {
  const ms = newest === undefined ? time.getTime() : Math.max(time.getTime(), timeOf(newest) + 1)
  return new Date(ms).toISOString().replace(/[-:.]/g, '')
}

function timeOf(version: string): number {
  const parts = /^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)(\d\d)(\d{3}Z)$/
  return Date.parse(version.replace(parts, '$1-$2-$3:$4:$5.$6'))
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
    if ((await files.activeVersion()) !== null) await registry.load()
    app.decorate('models', registry)
    app.addHook('onClose', async () => registry.close())
  },
  { name: 'model-registry', dependencies: ['config'] },
)
