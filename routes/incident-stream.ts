import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { callerClosed } from './caller-closed.js'
import { incidentEventText } from './mappers/incident-event.js'
import { FollowQuery } from './schemas/incidents.js'
import { failures } from './schemas/types.js'
import { whenStalled } from './when-stalled.js'

/** A reader that takes nothing for so long is ended; it goes on with Last-Event-ID. */
const MAX_STALL_MS = 30_000

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/incidents/stream',
    {
      exposeHeadRoute: false, // it would not end
      config: { access: 'read', slots: 'events' },
      schema: {
        operationId: 'followIncidents',
        tags: ['incidents'],
        summary: 'Follow the incidents',
        description:
          'Sends server-sent events of the incidents of all replicas: `opened`, `changed`, `ended` and `marked`. The data of each is the incident as GET /incidents has it, with `revision` and `what`. The id of an event is its revision. The first event is `ready`; its id is where the stream begins. With Last-Event-ID, the stream goes on after that event. A comment every 15 seconds shows that it lives. At most 100 readers follow a replica. A reader that takes nothing for 30 seconds is ended.',
        querystring: FollowQuery,
        response: {
          '2xx': {
            description: 'The events of the incidents.',
            content: { 'text/event-stream': { schema: { type: 'string' } } },
          },
          ...failures(400, 503),
        },
      },
    },
    async (request, reply) => {
      const { last_event_id: given } = request.query
      const header = request.headers['last-event-id']
      const after = [header].flat()[0] ?? given
      // A browser sends back what it was given, so another text comes from another program: it begins now.
      const revision = after !== undefined && /^\d{1,15}$/.test(after) ? Number(after) : null
      const events = await app.incidents.follow(revision, callerClosed(reply))
      const texts = whenStalled(events, MAX_STALL_MS, () => reply.raw.destroy())
      reply
        .type('text/event-stream; charset=utf-8')
        .headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
      return reply.send(Readable.from(textsOf(texts), { highWaterMark: 1 }))
    },
  )
}

async function* textsOf(events: AsyncGenerator<Parameters<typeof incidentEventText>[0]>) {
  for await (const event of events) yield incidentEventText(event)
}

export default routes
