import fp from 'fastify-plugin'
import type { VersionRow } from '../db/queries/models.js'
import type { Database } from './database.js'
import type { ActiveDetector, ModelRegistry } from './model-registry.js'

export interface ModelManagement {
  /** What is active, or null. */
  info(): ActiveDetector | null
  /** What is stored, the newest first. */
  versions(): Promise<VersionRow[]>
  /** Makes the stored model active. */
  load(): Promise<ActiveDetector | null>
  /** Makes a stored version active. */
  activate(version: string): Promise<ActiveDetector>
  /** Makes nothing active and forgets the sliding windows. */
  reset(): Promise<void>
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
    info: () => models.active.anomaly,
    versions: () => withDatabase(() => models.versions()),
    load: () => withDatabase(() => models.load()),
    activate: (version) => withDatabase(() => models.activate(version)),
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
