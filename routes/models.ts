import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Static } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import {
  ActivateBody,
  ActivateResult,
  LoadBody,
  LoadResult,
  ModelInfo,
  ModelVersions,
  ResetResult,
  Rhythms,
} from './schemas/models.js'
import { failures, Nothing, ref } from './schemas/types.js'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/model/info',
    {
      schema: {
        operationId: 'getModelInfo',
        tags: ['models'],
        summary: 'Get the active models',
        response: { 200: ref(ModelInfo) },
      },
    },
    async () => {
      const { anomaly, optimizer } = app.modelManagement.info()
      return {
        anomaly_detector: anomaly && {
          ...detectorInfo(anomaly),
          min_effects: minEffects(app.config.effects),
          drift: app.detection.drift()!,
        },
        rate_optimizer: optimizer && optimizerInfo(optimizer),
      }
    },
  )

  app.get(
    '/model/versions',
    {
      schema: {
        operationId: 'getModelVersions',
        tags: ['models'],
        summary: 'List the stored model versions',
        description: 'Lists the newest 20 versions of each model and the active version.',
        response: { 200: ref(ModelVersions), ...failures(503) },
      },
    },
    async () => {
      const { anomaly, optimizer } = await app.modelManagement.versions()
      return { anomaly_detector: anomaly.map(versionInfo), rate_optimizer: optimizer.map(versionInfo) }
    },
  )

  app.post(
    '/model/activate',
    {
      schema: {
        operationId: 'activateModel',
        tags: ['models'],
        summary: 'Activate a stored version',
        description: 'The version becomes active on all replicas. Use it to return to an earlier version.',
        body: ref(ActivateBody),
        response: { 200: ref(ActivateResult), ...failures(400, 404, 409, 413, 415, 503) },
      },
    },
    async (request) => {
      const { model, version } = request.body
      await app.modelManagement.activate(model, version)
      return { activated: true as const, model, version }
    },
  )

  app.post(
    '/model/load',
    {
      schema: {
        operationId: 'loadModels',
        tags: ['models'],
        summary: 'Load the stored models',
        description:
          'Activates the version that was active last. After a reset, it activates the newest intact version in MODEL_PATH or the database.',
        body: ref(LoadBody),
        response: { 200: ref(LoadResult), ...failures(400, 413, 415, 503) },
      },
    },
    async (request) => {
      const { anomaly, optimizer } = await app.modelManagement.load(request.body.models)
      return {
        ...(anomaly !== undefined && { anomaly_detector: loaded(anomaly) }),
        ...(optimizer !== undefined && { rate_optimizer: loaded(optimizer) }),
      }
    },
  )

  app.post(
    '/model/reset',
    {
      schema: {
        operationId: 'resetModels',
        tags: ['models'],
        summary: 'Deactivate all models',
        description:
          'No version is active on any replica until the next load, activation or training, even after a restart. Stored versions stay. The sliding windows are cleared.',
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

type Info = ReturnType<FastifyInstance['modelManagement']['info']>
type Version = Awaited<ReturnType<FastifyInstance['modelManagement']['versions']>>['anomaly'][number]

function detectorInfo({ version, trainedAt, model, engine, reason }: NonNullable<Info['anomaly']>) {
  return {
    is_trained: true as const,
    version,
    training_timestamp: trainedAt,
    training_samples: model.nSamples,
    contamination: model.contamination,
    n_estimators: model.forest.nEstimators,
    score_threshold: model.threshold,
    feature_names: Object.keys(model.baselines),
    baselines: model.baselines,
    time_zone: model.timeZone,
    rhythms: Object.fromEntries(
      Object.entries(model.expectations).map(([feature, { usual }]) => [feature, rhythmInfo(usual.season)]),
    ) as Static<typeof Rhythms>,
    engine: { name: engine.name, backend: engine.backend, reason },
  }
}

type Season = NonNullable<Info['anomaly']>['model']['expectations']['error_rate']['usual']['season']

function rhythmInfo({ rhythm, minuteOfHour, minuteOfDay, slotOfWeek }: Season) {
  const apart = (terms: Float64Array | null) => terms?.filter((value) => value !== 0).length ?? 0
  return {
    rhythm,
    minute_of_hour: minuteOfHour !== null,
    sharp_minutes: apart(minuteOfDay),
    weekly_quarters: apart(slotOfWeek),
  }
}

function minEffects({ traffic, latency, latencyMs, errors, requests }: FastifyInstance['config']['effects']) {
  return { traffic, latency, latency_ms: latencyMs, error_rate: errors, requests }
}

function optimizerInfo({ version, trainedAt, model }: NonNullable<Info['optimizer']>) {
  return {
    is_trained: true as const,
    version,
    training_timestamp: trainedAt,
    training_requests: model.requests,
    strategy: 'balanced' as const,
    headroom_percent: 20,
    endpoint_count: model.byTemplate.size,
    endpoints: [...model.byTemplate.keys()],
  }
}

function versionInfo(row: Version) {
  return {
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
  }
}

function loaded(model: { readonly version: string } | null) {
  const found = model !== null
  const version = model?.version ?? null
  return { loaded: found, trained: found, version, ...(!found && { error: 'Model not found' }) }
}

export default routes
