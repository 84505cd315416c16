import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { IngestBody, IngestQuery, IngestResult, MAX_REQUESTS } from './schemas/ingest.js'
import { Failure, failures, ref } from './schemas/types.js'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/ingest/requests',
    {
      config: { jsonLines: { list: 'requests', most: MAX_REQUESTS } },
      schema: {
        operationId: 'ingestRequests',
        tags: ['ingest'],
        summary: 'Record requests of a gateway',
        description:
          'For gateways without a database of their own. Stores up to 10,000 requests in the traffic table: all of them or none. With 202, the requests are stored durably. If there is no answer, or the status is 503, send the batch again with the same batch_id. It is stored once. With the content type application/x-ndjson, each line of the body is a request and batch_id is in the query.',
        querystring: IngestQuery,
        body: ref(IngestBody),
        response: {
          202: ref(IngestResult),
          ...failures(400, 409, 413, 503),
          415: {
            description: 'The content type is neither application/json nor application/x-ndjson.',
            ...ref(Failure),
          },
        },
      },
    },
    async (request, reply) => {
      const { batch_id, requests } = request.body
      const added = await app.ingest.store(request.body, request.jsonLines)
      reply.code(202)
      return { batch_id, accepted: added ? requests.length : 0, duplicate: !added }
    },
  )
}

export default routes
