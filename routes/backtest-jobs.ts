import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { sendJobEvents } from './job-events.js'
import { toBacktestJob } from './mappers/backtest-job.js'
import { BacktestJob, BacktestJobParams } from './schemas/backtest-job.js'
import { failures, ref } from './schemas/types.js'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/optimize/backtest/jobs/:id',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'getBacktestJob',
        tags: ['limits'],
        summary: 'Get a backtest in the background',
        description: 'Finds the backtests of this replica. The newest 20 are kept.',
        params: BacktestJobParams,
        response: { 200: ref(BacktestJob), ...failures(400, 404) },
      },
    },
    async (request) => toBacktestJob(app.optimization.backtestJobs.find(request.params.id)),
  )

  app.delete(
    '/optimize/backtest/jobs/:id',
    {
      config: { access: 'operate' },
      schema: {
        operationId: 'stopBacktestJob',
        tags: ['limits'],
        summary: 'Stop a backtest in the background',
        description: 'Its query ends too. A backtest that has already ended does not change.',
        params: BacktestJobParams,
        response: { 200: ref(BacktestJob), ...failures(400, 404) },
      },
    },
    async (request) => toBacktestJob(app.optimization.backtestJobs.stop(request.params.id)),
  )

  app.get(
    '/optimize/backtest/jobs/:id/events',
    {
      exposeHeadRoute: false, // it would not end before the backtest does
      config: { access: 'read', slots: 'events' },
      schema: {
        operationId: 'followBacktestJob',
        tags: ['limits'],
        summary: 'Follow a backtest in the background',
        description:
          'Sends server-sent events. Each change sends an event `progress`. The stream ends with one event `done`, `failed` or `stopped`. The data of each event is the job as JSON.',
        params: BacktestJobParams,
        response: {
          '2xx': {
            description: 'The events of the backtest.',
            content: { 'text/event-stream': { schema: { type: 'string' } } },
          },
          ...failures(400, 404),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      app.optimization.backtestJobs.find(id) // a failure has to come before the stream begins
      return sendJobEvents(
        reply,
        app.optimization.closing,
        (signal) => app.optimization.backtestJobs.watch(id, signal),
        toBacktestJob,
      )
    },
  )
}

export default routes
