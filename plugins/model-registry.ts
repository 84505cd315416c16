import fp from 'fastify-plugin'
import { removeAbandoned } from '../db/files.js'
import { followActiveModel } from './model-registry/follower.js'
import { createModelRegistry, type ModelRegistry } from './model-registry/registry.js'

export { isVersion, type TrainingRecord } from './model-registry/artifact.js'
export { MODEL_NAMES, storedName } from './model-registry/kinds.js'
export type {
  ActiveDetector,
  ActiveModels,
  ActiveOf,
  ModelName,
  StoredModels,
  TrainedModels,
} from './model-registry/kinds.js'
export type { ModelRegistry } from './model-registry/registry.js'

declare module 'fastify' {
  interface FastifyInstance {
    models: ModelRegistry
  }
}

/** The warning of a change that was made without the database. */
export const LOCAL_FOR_NOW =
  'The database is down, so this change applies to this replica only. When the database is back, the change applies to all replicas, unless the active version was changed there meanwhile.'

/** A lost notification is noticed within this time. */
const POLL_MS = 10_000

/** `fastify.models`: what the database says is active or, while it is away, what was active on this replica. */
export default fp(
  async (app) => {
    const { sql, database, log } = app
    const { modelPath, scoringEngine } = app.config
    const registry = createModelRegistry({
      sql,
      folder: modelPath,
      engine: scoringEngine,
      log,
      now: () => new Date(),
    })
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
