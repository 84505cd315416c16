import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { failures, Nothing, ref } from './schemas/types.js'
import { TrainBody, TrainedDetector, TrainingStatus, TrainResult } from './schemas/training.js'

const DEFAULT_DAYS = 7

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/train',
    {
      schema: {
        operationId: 'train',
        tags: ['training'],
        summary: 'Learn from the traffic table',
        description:
          'Reads what each minute of the last days was like, fits a model and makes it active. Fewer than ten minutes: 200 with trained false, and the active model stays.',
        body: ref(TrainBody),
        response: { 200: ref(TrainResult), ...failures(400, 409, 413, 415, 503) },
      },
    },
    async (request) => {
      const { days = DEFAULT_DAYS, contamination } = request.body
      const result = await app.training.run({ days, contamination })
      return { anomaly_detector: toTrainedDetector(result), rate_optimizer: null }
    },
  )

  app.post(
    '/train/synthetic',
    {
      schema: {
        operationId: 'trainSynthetic',
        tags: ['training'],
        summary: 'Learn from the synthetic traffic',
        description:
          'Trains on DATA_PATH/synthetic_training_data.csv, whoever wrote it. It needs the columns timestamp (or time_bucket), requests_per_second, avg_latency_ms, p95_latency_ms, p99_latency_ms and error_rate.',
        body: ref(Nothing),
        response: { 200: ref(TrainedDetector), ...failures(400, 409, 413, 415, 503) },
      },
    },
    async () => toTrainedDetector(await app.training.runOnSynthetic()),
  )

  app.get(
    '/train/status',
    {
      schema: {
        operationId: 'getTrainingStatus',
        tags: ['training'],
        summary: 'What is loaded and whether a run is under way',
        response: { 200: ref(TrainingStatus) },
      },
    },
    async () => {
      const { startedAt } = app.training
      const detector = app.models.active.anomaly
      return {
        training: startedAt !== null,
        started_at: startedAt?.toISOString() ?? null,
        anomaly_detector: {
          loaded: detector !== null,
          trained: detector !== null,
          version: detector?.version ?? null,
          training_timestamp: detector?.trainedAt ?? null,
          training_samples: detector?.model.nSamples ?? 0,
        },
        rate_optimizer: null,
      }
    },
  )

  function toTrainedDetector(result: Awaited<ReturnType<typeof app.training.run>>) {
    const { trained, samples } = result
    if (!result.trained) {
      const { error, at } = result
      return { trained, samples, score_threshold: null, timestamp: at.toISOString(), version: null, error }
    }
    const { model, trainedAt: timestamp, version } = result.detector
    return { trained, samples, score_threshold: model.threshold, timestamp, version }
  }
}

export default routes
