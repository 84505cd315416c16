import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { sendJobEvents } from './job-events.js'
import { JobParams, toTrainingJob, TrainingJob } from './schemas/jobs.js'
import { failures, ref } from './schemas/types.js'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/train/jobs/:id',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'getTrainingJob',
        tags: ['training'],
        summary: 'Get a training run',
        description: 'Finds the runs of all replicas. The newest 100 runs are kept.',
        params: JobParams,
        response: { 200: ref(TrainingJob), ...failures(400, 404, 503) },
      },
    },
    async (request) => toTrainingJob(await app.training.jobs.find(request.params.id)),
  )

  app.delete(
    '/train/jobs/:id',
    {
      config: { access: 'admin' },
      schema: {
        operationId: 'stopTrainingJob',
        tags: ['training'],
        summary: 'Stop a training run',
        description:
          'The run stops within about two seconds. The active version stays active. A run that has already ended does not change.',
        params: JobParams,
        response: { 200: ref(TrainingJob), ...failures(400, 404, 503) },
      },
    },
    async (request) => toTrainingJob(await app.training.jobs.stop(request.params.id)),
  )

  app.get(
    '/train/jobs/:id/events',
    {
      exposeHeadRoute: false, // it would not end before the run does
      config: { access: 'read', slots: 'events' },
      schema: {
        operationId: 'followTrainingJob',
        tags: ['training'],
        summary: 'Follow a training run',
        description:
          'Sends server-sent events. Each change of the run sends an event `progress`. The stream ends with one event `done`, `failed` or `stopped`. The data of each event is the job as JSON.',
        params: JobParams,
        response: {
          '2xx': {
            description: 'The events of the run.',
            content: { 'text/event-stream': { schema: { type: 'string' } } },
          },
          ...failures(400, 404, 503),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      await app.training.jobs.find(id) // a failure has to come before the stream begins
      return sendJobEvents(
        reply,
        app.training.closing,
        (signal) => app.training.jobs.watch(id, signal),
        toTrainingJob,
      )
    },
  )
}

export default routes
