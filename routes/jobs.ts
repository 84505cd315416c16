import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { callerClosed } from './caller-closed.js'
import { JobParams, toTrainingJob, TrainingJob } from './schemas/jobs.js'
import { failures, ref } from './schemas/types.js'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/train/jobs/:id',
    {
      schema: {
        operationId: 'getTrainingJob',
        tags: ['training'],
        summary: 'How a training run is doing',
        description: 'Of any replica. The newest hundred runs are kept.',
        params: JobParams,
        response: { 200: ref(TrainingJob), ...failures(400, 404, 503) },
      },
    },
    async (request) => toTrainingJob(await app.training.jobs.find(request.params.id)),
  )

  app.delete(
    '/train/jobs/:id',
    {
      schema: {
        operationId: 'stopTrainingJob',
        tags: ['training'],
        summary: 'Stop a training run',
        description:
          'It ends within a second or two and the active model stays. A run that has ended stays as it is: its state says how it ended.',
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
      schema: {
        operationId: 'followTrainingJob',
        tags: ['training'],
        summary: 'The progress of a training run, as server-sent events',
        description:
          'An event `progress` at each change, then one `done`, `failed` or `stopped` with which the stream ends. The data of each is the job as JSON.',
        params: JobParams,
        response: {
          '2xx': {
            description: 'The events.',
            content: { 'text/event-stream': { schema: { type: 'string' } } },
          },
          ...failures(400, 404, 503),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      await app.training.jobs.find(id) // what is wrong is told before the stream begins
      const signal = AbortSignal.any([app.training.closing, callerClosed(reply)])
      reply.type('text/event-stream; charset=utf-8').header('cache-control', 'no-store')
      return reply.send(Readable.from(events(id, signal)))
    },
  )

  async function* events(id: string, signal: AbortSignal): AsyncGenerator<string> {
    for await (const job of app.training.jobs.watch(id, signal)) {
      const name = job.state === 'running' ? 'progress' : job.state
      yield `event: ${name}\ndata: ${JSON.stringify(toTrainingJob(job))}\n\n`
    }
  }
}

export default routes
