import fp from 'fastify-plugin'
import type { VersionRow } from '../db/own/models.js'
import type { Database } from './database.js'
import {
  MODEL_NAMES,
  type ActiveDetector,
  type ActiveModels,
  type ActiveOptimizer,
  type ModelName,
  type ModelRegistry,
} from './model-registry.js'

export interface ModelManagement {
  /** What is active. */
  info(): ActiveModels
  /** What is stored, the newest first. */
  versions(): Promise<Record<ModelName, VersionRow[]>>
  /** Makes the stored models active, all of them unless some are named; null for what there is not. */
  load(models?: readonly ModelName[]): Promise<Loaded>
  /** Makes a stored version active. */
  activate(model: ModelName, version: string): Promise<ActiveDetector | ActiveOptimizer>
  /** Makes nothing active and forgets the sliding windows. */
  reset(): Promise<void>
}

/** By model that was asked for. */
export interface Loaded {
  readonly anomaly?: ActiveDetector | null
  readonly optimizer?: ActiveOptimizer | null
}

declare module 'fastify' {
  interface FastifyInstance {
    modelManagement: ModelManagement
  }
}

/** What is active is the same on all replicas: no change of it without the database. */
export function createModelManagement({
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
      withDatabase(async () => ({
        ...(names.includes('anomaly') && { anomaly: await models.anomaly.load() }),
        ...(names.includes('optimizer') && { optimizer: await models.optimizer.load() }),
      })),
    activate: (model, version) =>
      withDatabase<ActiveDetector | ActiveOptimizer>(() => models[model].activate(version)),
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
