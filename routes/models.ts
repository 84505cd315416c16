import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { comparisonInfo } from './mappers/comparison.js'
import { automaticInfo, detectorInfo, minEffects, optimizerInfo } from './mappers/model-info.js'
import { sensitivityMap } from './mappers/sensitivity.js'
import {
  ActivateBody,
  ActivateResult,
  LoadBody,
  LoadResult,
  ModelInfo,
  ModelVersions,
  ResetResult,
} from './schemas/models.js'
import { ModelComparison, VersionParams } from './schemas/comparison.js'
import { ModelSensitivity } from './schemas/sensitivity.js'
import { failures, Nothing, ref } from './schemas/types.js'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/model/info',
    {
      config: { access: 'read' },
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
        automatic_training: automaticInfo(app.automaticTraining.status()),
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
    '/model/sensitivity',
    {
      config: { access: 'read', slots: 'compute' },
      schema: {
        operationId: 'getModelSensitivity',
        tags: ['models'],
        summary: 'Get the smallest changes that are found',
        description:
          'Lists the blind spots of the active anomaly detector: the smallest change of each kind that it finds, by part of the week and hour, and after how many minutes.',
        response: { 200: ref(ModelSensitivity), ...failures(409) },
      },
    },
    async () => {
      const { version, hours } = await app.detection.sensitivity()
      return { version, hours: sensitivityMap(hours) }
    },
  )

  app.get(
    '/model/versions',
    {
      config: { access: 'read' },
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

  app.get(
    '/model/versions/:version/comparison',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'getModelComparison',
        tags: ['models'],
        summary: 'Compare a version with the one before it',
        description:
          'Shows what a version of the anomaly detector would have done in the two weeks before its training, beside the version that was active then. A training on the recorded traffic makes the comparison.',
        params: VersionParams,
        response: { 200: ref(ModelComparison), ...failures(400, 404, 409, 503) },
      },
    },
    async (request) => {
      const { version } = request.params
      return comparisonInfo(version, await app.modelManagement.comparison(version))
    },
  )

  app.post(
    '/model/activate',
    {
      config: { access: 'admin' },
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
      config: { access: 'admin' },
      schema: {
        operationId: 'loadModels',
        tags: ['models'],
        summary: 'Load the stored models',
        description:
          'Activates the version that was active last. After a reset, it activates the newest intact version in MODEL_PATH or the database. While the database is down, the choice is local to this replica, with a warning.',
        body: ref(LoadBody),
        response: { 200: ref(LoadResult), ...failures(400, 413, 415, 503) },
      },
    },
    async (request) => {
      const { models, warnings } = await app.modelManagement.load(request.body.models)
      const { anomaly, optimizer } = models
      request.warnings.push(...warnings)
      return {
        ...(anomaly !== undefined && { anomaly_detector: loaded(anomaly) }),
        ...(optimizer !== undefined && { rate_optimizer: loaded(optimizer) }),
      }
    },
  )

  app.post(
    '/model/reset',
    {
      config: { access: 'admin' },
      schema: {
        operationId: 'resetModels',
        tags: ['models'],
        summary: 'Deactivate all models',
        description:
          'No version is active on any replica until the next load, activation or training, even after a restart. Stored versions stay. The sliding windows are cleared. While the database is down, the reset is local to this replica, with a warning.',
        body: ref(Nothing),
        response: { 200: ref(ResetResult), ...failures(400, 413, 415, 503) },
      },
    },
    async (request) => {
      const { warnings } = await app.modelManagement.reset()
      request.warnings.push(...warnings)
      return { reset: true as const }
    },
  )
}

type Version = Awaited<ReturnType<FastifyInstance['modelManagement']['versions']>>['anomaly'][number]

function versionInfo(row: Version) {
  return {
    version: row.version,
    active: row.active,
    automatic: row.automatic,
    refused: row.refused,
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
