import fp from 'fastify-plugin'
import type { Database } from './database.js'
import {
  LOCAL_FOR_NOW,
  MODEL_NAMES,
  type ActiveModels,
  type ActiveOf,
  type ModelName,
  type ModelRegistry,
} from './model-registry.js'

/**
 * The active models are the same on all replicas, so that a change needs the database. Loading and resetting work on the
 * files of this replica while the database is down.
 */
export interface ModelManagement {
  /** The active models. */
  info(): ActiveModels
  /** What is stored, the newest first. */
  versions: ModelRegistry['versions']
  /** Makes stored models active: the named ones, or all. Null where none is stored. */
  load(models?: readonly ModelName[]): Promise<Changed<Partial<ActiveModels>>>
  /** Makes a stored version active. */
  activate<N extends ModelName>(model: N, version: string): Promise<ActiveOf<N>>
  /** Makes nothing active and clears the sliding windows. */
  reset(): Promise<Changed<void>>
}

export interface Changed<T> {
  readonly models: T
  /** That the change is local for now. */
  readonly warnings: readonly string[]
}

declare module 'fastify' {
  interface FastifyInstance {
    modelManagement: ModelManagement
  }
}

function createModelManagement({
  models,
  database,
}: {
  models: ModelRegistry
  database: Pick<Database, 'assertUsable' | 'status'>
}): ModelManagement {
  const withDatabase = async <T>(work: () => Promise<T>): Promise<T> => {
    await database.assertUsable()
    return work()
  }
  /** @param work on all replicas or, while the database is down, on this one */
  const anyway = async <T>(
    work: (target: Pick<ModelRegistry['local'], 'load' | 'reset'>) => Promise<T>,
  ): Promise<Changed<T>> => {
    const isDown = (await database.status()) !== 'connected'
    if (isDown) return { models: await work(models.local), warnings: [LOCAL_FOR_NOW] }
    await database.assertUsable()
    return { models: await work(models), warnings: [] }
  }
  return {
    info: () => models.active,
    versions: () => withDatabase(() => models.versions()),
    load: (names = MODEL_NAMES) =>
      anyway(async (target) => {
        const loaded: [ModelName, ActiveModels[ModelName]][] = []
        for (const name of MODEL_NAMES) {
          if (names.includes(name)) loaded.push([name, await target.load(name)])
        }
        return Object.fromEntries(loaded)
      }),
    activate: (model, version) => withDatabase(() => models.activate(model, version)),
    reset: () => anyway((target) => target.reset()),
  }
}

/** `fastify.modelManagement`. */
export default fp(
  async (app) => {
    app.decorate('modelManagement', createModelManagement(app))
  },
  { name: 'model-management', dependencies: ['model-registry', 'database'] },
)
