import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { toTrainedDetector, toTrainingJob, toTrainResult, TrainingJob } from './schemas/jobs.js'
import { TrainBody, TrainedDetector, TrainingStatus, TrainResult } from './schemas/training.js'
import { failures, Nothing, ref } from './schemas/types.js'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/train',
    {
      schema: {
        operationId: 'train',
        tags: ['training'],
        summary: 'Learn from the traffic table',
        description:
          'Brings the rollups of the traffic up to date, fits a detector to what each minute of the last days was like, learns from each request what limits the endpoints need, and makes both active, on all replicas. Where there is too little to learn from: 200 with trained false for that model, and the one that is active stays. With wait false it answers 202 with the job.',
        body: ref(TrainBody),
        response: { 200: ref(TrainResult), 202: ref(TrainingJob), ...failures(400, 409, 413, 415, 503) },
      },
    },
    async (request, reply) => {
      const { wait = true, ...asked } = request.body
      const { job, result } = await app.training.begin(asked)
      if (wait) return toTrainResult(await result)
      reply.code(202).header('location', `/train/jobs/${job.id}`)
      return toTrainingJob(job)
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
    async () => toTrainedDetector((await (await app.training.beginOnSynthetic()).result).anomaly!),
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
      const job = await app.training.jobs.current().catch(() => null) // what is loaded can be told without
      const { anomaly: detector, optimizer } = app.models.active
      return {
        training: job !== null,
        started_at: job?.startedAt.toISOString() ?? null,
        job: job?.id ?? null,
        anomaly_detector: {
          loaded: detector !== null,
          trained: detector !== null,
          version: detector?.version ?? null,
          training_timestamp: detector?.trainedAt ?? null,
          training_samples: detector?.model.nSamples ?? 0,
        },
        rate_optimizer: {
          loaded: optimizer !== null,
          trained: optimizer !== null,
          version: optimizer?.version ?? null,
          training_timestamp: optimizer?.trainedAt ?? null,
          endpoints: optimizer?.model.byTemplate.size ?? 0,
        },
      }
    },
  )
}

export default routes
