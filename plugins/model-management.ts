import fp from 'fastify-plugin'
import type { ActiveDetector, ModelRegistry } from './model-registry.js'

export interface ModelManagement {
  /** What is active, or null. */
  info(): ActiveDetector | null
  /** Makes the stored model active. */
  load(): Promise<ActiveDetector | null>
  /** Makes nothing active and forgets the sliding windows. */
  reset(): Promise<void>
}

declare module 'fastify' {
  interface FastifyInstance {
    modelManagement: ModelManagement
  }
}

export function createModelManagement({
  models,
  forgetWindows,
}: {
  models: ModelRegistry
  forgetWindows: () => void
}): ModelManagement {
  return {
    info: () => models.active.anomaly,
    load: () => models.load(),
    async reset() {
      await models.reset()
      forgetWindows()
    },
  }
}

/** `fastify.modelManagement`. */
export default fp(
  async (app) => {
    const { models, detection } = app
    app.decorate('modelManagement', createModelManagement({ models, forgetWindows: () => detection.clear() }))
  },
  { name: 'model-management', dependencies: ['model-registry', 'detection'] },
)
