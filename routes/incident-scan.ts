import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Static } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { callerClosed } from './caller-closed.js'
import { sendJobEvents } from './job-events.js'
import { toScan } from './mappers/incident.js'
import { jobProgress } from './mappers/job-progress.js'
import { Scan, ScanBody, ScanJob, ScanJobParams } from './schemas/incident-scan.js'
import { failures, ref } from './schemas/types.js'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/incidents/scan',
    {
      config: { access: 'operate', audit: false },
      schema: {
        operationId: 'scanIncidents',
        tags: ['incidents'],
        summary: 'Find the incidents of stored history',
        description:
          'Replays the stored traffic of the gateway and its endpoints, and lists what would have been incidents. Nothing is stored. The scan stops when the caller disconnects. With `wait: false`, the service answers 202 with the job, which reports its progress. One scan runs at a time.',
        body: ref(ScanBody),
        response: { 200: ref(Scan), 202: ref(ScanJob), ...failures(400, 404, 409, 413, 415, 503) },
      },
    },
    async ({ body }, reply) => {
      const { wait = true, ...asked } = body
      if (wait) return toScan(await app.incidents.scan(asked, callerClosed(reply)))
      const job = app.incidents.beginScan(asked, asked)
      reply.code(202).header('location', `/incidents/scan/jobs/${job.id}`)
      return toScanJob(job)
    },
  )

  app.get(
    '/incidents/scan/jobs/:id',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'getScanJob',
        tags: ['incidents'],
        summary: 'Get a scan in the background',
        description: 'Finds the scans of this replica. The newest 20 are kept.',
        params: ScanJobParams,
        response: { 200: ref(ScanJob), ...failures(400, 404) },
      },
    },
    async ({ params }) => toScanJob(app.incidents.scanJobs.find(params.id)),
  )

  app.delete(
    '/incidents/scan/jobs/:id',
    {
      config: { access: 'operate' },
      schema: {
        operationId: 'stopScanJob',
        tags: ['incidents'],
        summary: 'Stop a scan in the background',
        description: 'A scan that has already ended does not change.',
        params: ScanJobParams,
        response: { 200: ref(ScanJob), ...failures(400, 404) },
      },
    },
    async ({ params }) => toScanJob(app.incidents.scanJobs.stop(params.id)),
  )

  app.get(
    '/incidents/scan/jobs/:id/events',
    {
      exposeHeadRoute: false, // it would not end before the scan does
      config: { access: 'read', slots: 'events' },
      schema: {
        operationId: 'followScanJob',
        tags: ['incidents'],
        summary: 'Follow a scan in the background',
        description:
          'Sends server-sent events. Each change sends an event `progress`. The stream ends with one event `done`, `failed` or `stopped`. The data of each event is the job as JSON.',
        params: ScanJobParams,
        response: {
          '2xx': {
            description: 'The events of the scan.',
            content: { 'text/event-stream': { schema: { type: 'string' } } },
          },
          ...failures(400, 404),
        },
      },
    },
    async ({ params: { id } }, reply) => {
      app.incidents.scanJobs.find(id) // a failure has to come before the stream begins
      const watch = (signal: AbortSignal) => app.incidents.scanJobs.watch(id, signal)
      return sendJobEvents(reply, app.incidents.closing, watch, toScanJob)
    },
  )
}

type Job = ReturnType<FastifyInstance['incidents']['scanJobs']['find']>

function toScanJob(job: Job): Static<typeof ScanJob> {
  const { id, state, stage, request, result, error } = job
  return { ...{ id, state, stage }, ...jobProgress(job), request, result: result && toScan(result), error }
}

export default routes
