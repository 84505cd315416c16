import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { toTrainedDetector, toTrainingJob, toTrainResult, TrainingJob } from './schemas/jobs.js'
import { toTrainingStatus } from './mappers/training-status.js'
import { TrainBody, TrainedDetector, TrainResult } from './schemas/training.js'
import { TrainingStatus } from './schemas/training-status.js'
import { failures, Nothing, ref } from './schemas/types.js'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/train',
    {
      bodyLimit: 128 * 1024, // 1,000 excluded ranges
      config: { access: 'admin' },
      schema: {
        operationId: 'train',
        tags: ['training'],
        summary: 'Train on the recorded traffic',
        description:
          'Trains the anomaly detector on the minutes and the rate optimizer on the requests of the time range. Both new versions become active on all replicas. A model with insufficient data gets `trained: false` and an `error`, the status is still 200, and its active version stays. With `wait: false`, the service answers 202 with the job.',
        body: ref(TrainBody),
        response: { 200: ref(TrainResult), 202: ref(TrainingJob), ...failures(400, 409, 413, 415, 503) },
      },
    },
    async (request, reply) => {
      const { wait = true, interval_seconds: intervalSeconds, ...asked } = request.body
      if (asked.models?.length === 0) return { anomaly_detector: null, rate_optimizer: null }
      const { job, result } = await app.training.begin({ ...asked, intervalSeconds })
      if (wait) return toTrainResult(await result)
      reply.code(202).header('location', `/train/jobs/${job.id}`)
      return toTrainingJob(job)
    },
  )

  app.post(
    '/train/synthetic',
    {
      config: { access: 'admin' },
      schema: {
        operationId: 'trainSynthetic',
        tags: ['training'],
        summary: 'Train on synthetic traffic',
        description:
          'Trains the anomaly detector on DATA_PATH/synthetic_training_data.csv. The file may come from any program. It needs the columns timestamp (or time_bucket), requests_per_second, avg_latency_ms, p95_latency_ms, p99_latency_ms and error_rate. Its rows may have any interval: the column interval_seconds, or else the times, show it. While the database is down, the model is local to this replica, with a warning.',
        body: ref(Nothing),
        response: { 200: ref(TrainedDetector), ...failures(400, 409, 413, 415, 503) },
      },
    },
    async (request) => {
      const { result, warnings } = await app.training.runOnSynthetic()
      request.warnings.push(...warnings)
      return toTrainedDetector(result.anomaly!)
    },
  )

  app.get(
    '/train/status',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'getTrainingStatus',
        tags: ['training'],
        summary: 'Get the training status',
        response: { 200: ref(TrainingStatus) },
      },
    },
    async () => {
      const job = await app.training.jobs.current().catch(() => null) // the active models are known without the database
      return toTrainingStatus(job, app.models.active)
    },
  )
}

export default routes
