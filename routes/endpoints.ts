import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { EndpointList, EndpointsPreview, EndpointsQuery, PreviewBody } from './schemas/endpoints.js'
import { failures, ref } from './schemas/types.js'

const DEFAULT_DAYS = 7
const DEFAULT_LIMIT = 100
const MAX_CHANGED = 1000

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/endpoints',
    {
      schema: {
        operationId: 'listEndpoints',
        tags: ['limits'],
        summary: 'List the known endpoints',
        description: 'As the last training, export or update of the rollups saw them.',
        querystring: EndpointsQuery,
        response: { 200: ref(EndpointList), ...failures(400, 503) },
      },
    },
    async ({ query }) => {
      const { limit = DEFAULT_LIMIT, offset = 0, days = DEFAULT_DAYS, state = null, prefix = '' } = query
      const { min_requests: minRequests = 0, sort = 'requests' } = query
      const filter = { days, state, prefix, minRequests, sort, limit, offset }
      const { endpoints, total } = await app.endpoints.list(filter)
      const listed = endpoints.map(({ method, path, state, firstSeen, lastSeen, requests, errorShare }) => ({
        name: method === '' ? path : `${method} ${path}`,
        ...{ method, path, state, requests },
        first_seen: firstSeen.toISOString(),
        last_seen: lastSeen.toISOString(),
        error_share: errorShare,
      }))
      return { endpoints: listed, total, limit, offset }
    },
  )

  app.post(
    '/endpoints/preview',
    {
      schema: {
        operationId: 'previewEndpoints',
        tags: ['limits'],
        summary: 'Show what path rules would do to the last week',
        description: 'Nothing is changed. The most frequent 50,000 paths of the last week are compared.',
        body: ref(PreviewBody),
        response: { 200: ref(EndpointsPreview), ...failures(400, 409, 413, 415, 503) },
      },
    },
    async ({ body }) => {
      const found = await app.endpoints.preview(body.rules)
      const toHttp = ({ endpoint, requests, from, fromCount }: (typeof found.changed)[number]) => {
        return { endpoint, requests, from: [...from], from_count: fromCount }
      }
      return {
        from: found.from.toISOString(),
        to: found.to.toISOString(),
        paths: found.paths,
        complete: found.complete,
        endpoints_before: found.endpointsBefore,
        endpoints_after: found.endpointsAfter,
        changed: found.changed.slice(0, MAX_CHANGED).map(toHttp),
        changed_count: found.changed.length,
        ignored: found.ignored.map(toHttp),
      }
    },
  )
}

export default routes
