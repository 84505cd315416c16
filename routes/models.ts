import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { LoadBody, LoadResult, ModelInfo, ResetResult } from './schemas/models.js'
import { failures, Nothing, ref } from './schemas/types.js'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/model/info',
    {
      schema: {
        operationId: 'getModelInfo',
        tags: ['models'],
        summary: 'What the active models are',
        response: { 200: ref(ModelInfo) },
      },
    },
    async () => {
      const detector = app.modelManagement.info()
      if (!detector) return { anomaly_detector: null, rate_optimizer: null }
      const { version, trainedAt, model, engine, reason } = detector
      return {
        anomaly_detector: {
          is_trained: true as const,
          version,
          training_timestamp: trainedAt,
          training_samples: model.nSamples,
          contamination: model.contamination,
          n_estimators: model.forest.nEstimators,
          score_threshold: model.threshold,
          feature_names: Object.keys(model.baselines),
          baselines: model.baselines,
          engine: { name: engine.name, backend: engine.backend, reason },
        },
        rate_optimizer: null,
      }
    },
  )

  app.post(
    '/model/load',
    {
      schema: {
        operationId: 'loadModels',
        tags: ['models'],
        summary: 'Make the stored models active',
        description:
          'From MODEL_PATH: the version last chosen or, after a reset, the newest one that is whole.',
        body: ref(LoadBody),
        response: { 200: ref(LoadResult), ...failures(400, 413, 415) },
      },
    },
    async () => {
      const detector = await app.modelManagement.load()
      const loaded = detector !== null
      return {
        anomaly_detector: {
          loaded,
          trained: loaded,
          version: detector?.version ?? null,
          ...(!loaded && { error: 'Model not found' }),
        },
      }
    },
  )

  app.post(
    '/model/reset',
    {
      schema: {
        operationId: 'resetModels',
        tags: ['models'],
        summary: 'Make nothing active',
        description:
          'Until the next load or training, after a restart too. Stored versions stay; the sliding windows are cleared.',
        body: ref(Nothing),
        response: { 200: ref(ResetResult), ...failures(400, 413, 415) },
      },
    },
    async () => {
      await app.modelManagement.reset()
      return { reset: true as const }
    },
  )
}

export default routes
