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
        summary: 'Record requests, so that a gateway without a database can train',
        description:
          'Puts up to 10,000 requests into the traffic table, all or nothing; with 202 they are there for good. A batch that was answered with nothing, or with 503, may be sent again with the same batch_id: it is stored once. Rollups take the requests in, however late they come, when training or an export next needs them. As NDJSON (application/x-ndjson) the body is a request in each line, and batch_id is in the query.',
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
