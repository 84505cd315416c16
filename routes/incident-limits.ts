import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { authorOf } from './author.js'
import { toTemporaryLimit } from './mappers/incident-limits.js'
import { ApplyLimitBody, EndLimitQuery, TemporaryLimit } from './schemas/incident-limits.js'
import { IncidentParams } from './schemas/incidents.js'
import { failures, ref } from './schemas/types.js'

const DEFAULT_MINUTES = 60

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/incidents/:id/apply',
    {
      config: { access: 'operate' },
      schema: {
        operationId: 'applyIncidentLimit',
        tags: ['incidents'],
        summary: 'Apply the recommended limit of an incident for some time',
        description:
          'Writes the limit to rate_limit_rules, which the gateway reads. A rule that is there is kept, and comes back at the end. While the limit is in force, the same again changes nothing. When its time is over, any replica ends it within seconds.',
        params: IncidentParams,
        body: ref(ApplyLimitBody),
        response: { 200: ref(TemporaryLimit), ...failures(400, 404, 409, 413, 415, 503) },
      },
    },
    async (request) => {
      const { params, body, warnings } = request
      const { by, minutes = DEFAULT_MINUTES } = body
      const author = authorOf(request, 'by', by)
      const { limit, isNew } = await app.incidentLimits.apply(params.id, { author, minutes })
      if (!isNew) {
        const until = limit.expiresAt.toISOString()
        warnings.push(
          `The limit is in force already, until ${until}. To change that, end it and apply it again.`,
        )
      }
      return toTemporaryLimit(limit)
    },
  )

  app.delete(
    '/incidents/:id/apply',
    {
      config: { access: 'operate' },
      schema: {
        operationId: 'endIncidentLimit',
        tags: ['incidents'],
        summary: 'End the applied limit of an incident early',
        description: 'The rule that was there before comes back. A limit that has ended stays as it is.',
        params: IncidentParams,
        querystring: EndLimitQuery,
        response: { 200: ref(TemporaryLimit), ...failures(400, 404, 409, 503) },
      },
    },
    async (request) => {
      const author = authorOf(request, 'by', request.query.by)
      return toTemporaryLimit(await app.incidentLimits.end(request.params.id, author))
    },
  )
}

export default routes
