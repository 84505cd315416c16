import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import {
  ActivateBody,
  ActivateResult,
  LoadBody,
  LoadResult,
  ModelInfo,
  ModelVersions,
  ResetResult,
} from './schemas/models.js'
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

  app.get(
    '/model/versions',
    {
      schema: {
        operationId: 'getModelVersions',
        tags: ['models'],
        summary: 'What is stored, and which version is active',
        description: 'The newest twenty and the active one, with what each was learned from.',
        response: { 200: ref(ModelVersions), ...failures(503) },
      },
    },
    async () => ({
      anomaly_detector: (await app.modelManagement.versions()).map((row) => ({
        version: row.version,
        active: row.active,
        trained_at: row.trainedAt,
        training_samples: row.samples,
        source: row.source,
        from: row.from,
        to: row.to,
        exclude: [...row.exclude],
        duration_seconds: row.durationSeconds,
        parameters: row.parameters,
        metrics: row.metrics,
        size_bytes: row.sizeBytes,
      })),
    }),
  )

  app.post(
    '/model/activate',
    {
      schema: {
        operationId: 'activateModel',
        tags: ['models'],
        summary: 'Make a stored version active',
        description: 'On all replicas, at once: the way back to an earlier version.',
        body: ref(ActivateBody),
        response: { 200: ref(ActivateResult), ...failures(400, 404, 409, 413, 415, 503) },
      },
    },
    async (request) => {
      const { version } = await app.modelManagement.activate(request.body.version)
      return { activated: true as const, model: request.body.model, version }
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
          'The version last chosen or, after a reset, the newest one that is whole, of MODEL_PATH and the database.',
        body: ref(LoadBody),
        response: { 200: ref(LoadResult), ...failures(400, 413, 415, 503) },
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
          'On all replicas, until the next load, activation or training, after a restart too. Stored versions stay; the sliding windows are cleared.',
        body: ref(Nothing),
        response: { 200: ref(ResetResult), ...failures(400, 413, 415, 503) },
      },
    },
    async () => {
      await app.modelManagement.reset()
      return { reset: true as const }
    },
  )
}

export default routes
