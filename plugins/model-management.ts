import fp from 'fastify-plugin'
import type { Database } from './database.js'
import {
  MODEL_NAMES,
  type ActiveModels,
  type ActiveOf,
  type ModelName,
  type ModelRegistry,
} from './model-registry.js'

/** Every change needs the database, since the active models are the same on all replicas. */
export interface ModelManagement {
  /** The active models. */
  info(): ActiveModels
  /** What is stored, the newest first. */
  versions: ModelRegistry['versions']
  /** Makes stored models active: the named ones, or all. Null where none is stored. */
  load(models?: readonly ModelName[]): Promise<Partial<ActiveModels>>
  /** Makes a stored version active. */
  activate<N extends ModelName>(model: N, version: string): Promise<ActiveOf<N>>
  /** Makes nothing active and clears the sliding windows. */
  reset(): Promise<void>
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
  database: Pick<Database, 'assertUsable'>
}): ModelManagement {
  const withDatabase = async <T>(work: () => Promise<T>): Promise<T> => {
    await database.assertUsable()
    return work()
  }
  return {
    info: () => models.active,
    versions: () => withDatabase(() => models.versions()),
    load: (names = MODEL_NAMES) =>
      withDatabase(async () => {
        const loaded: [ModelName, ActiveModels[ModelName]][] = []
        for (const name of MODEL_NAMES) {
          if (names.includes(name)) loaded.push([name, await models.load(name)])
        }
        return Object.fromEntries(loaded)
      }),
    activate: (model, version) => withDatabase(() => models.activate(model, version)),
    reset: () => withDatabase(() => models.reset()),
  }
}

/** `fastify.modelManagement`. */
export default fp(
  async (app) => {
    app.decorate('modelManagement', createModelManagement(app))
  },
  { name: 'model-management', dependencies: ['model-registry', 'database'] },
)
