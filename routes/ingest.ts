import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { IngestHeaders, IngestPayload, IngestQuery, IngestResult } from './schemas/ingest.js'
import { Failure, failures, ref } from './schemas/types.js'

const NDJSON = [
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonlines',
  'application/x-jsonlines',
]

const DESCRIPTION = [
  'For gateways without a database of their own, and for log shippers. Stores up to 10,000 requests in the traffic table in one transaction. With 202, they are stored durably. If there is no answer, or the status is 503, send the same batch again: it is stored once.',
  'The body is an object with `requests`, one request, a list of requests, or NDJSON with a request in each line (whatever content type it is sent with). It may be compressed with gzip or deflate: up to 8 MiB as sent, and 64 MiB after decompression. Numbers may be sent as texts of digits; null is the same as a missing field.',
  'One invalid request fails the batch, unless `on_invalid` is `skip`. With `preset` or `map`, the names of a server log are read.',
].join('\n\n')

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.acceptStreams(['application/json', ...NDJSON, 'text/plain'])
  app.post(
    '/ingest/requests',
    {
      bodyLimit: 8 * 1024 * 1024,
      config: { access: 'detect', jsonLines: { list: 'requests' } },
      // The capability reads the body while it arrives.
      validatorCompiler: (route) => (route.httpPart === 'body' ? () => true : app.validatorCompiler!(route)),
      schema: {
        operationId: 'ingestRequests',
        tags: ['ingest'],
        summary: 'Record requests of a gateway',
        description: DESCRIPTION,
        querystring: IngestQuery,
        headers: IngestHeaders,
        body: IngestPayload,
        response: {
          202: ref(IngestResult),
          ...failures(400, 409, 413, 503),
          415: {
            description:
              'The content type is neither JSON, NDJSON nor text/plain, or the content encoding is neither gzip nor deflate.',
            ...ref(Failure),
          },
        },
      },
    },
    async (request, reply) => {
      const { batch_id, source, on_invalid = 'reject', preset, map } = request.query
      const outcome = await app.ingest.receive(streamOf(request), {
        isNdjson: NDJSON.includes(
          request.headers['content-type']?.split(';', 1)[0]!.trim().toLowerCase() ?? '',
        ),
        batchId: batch_id,
        source: source === undefined ? undefined : request.sourceFor(source),
        sourceFor: (named) => request.sourceFor(named),
        idempotencyKey: request.headers['idempotency-key'],
        onInvalid: on_invalid,
        preset,
        map,
      })
      for (const field of outcome.unknownFields) request.warnings.push(`Unknown field ${field} was ignored.`)
      reply.code(202)
      return {
        batch_id: outcome.batchId,
        source: outcome.source,
        accepted: outcome.accepted,
        duplicate: outcome.duplicate,
        skipped: outcome.skipped,
        ...(outcome.skipped > 0 && {
          skipped_reasons: outcome.skippedReasons,
          skipped_requests: outcome.skippedRows,
        }),
      }
    },
  )
}

/** The bytes of the body; none for a request without one. */
function streamOf({ body }: Pick<FastifyRequest, 'body'>): AsyncIterable<Buffer> {
  return Symbol.asyncIterator in (body as object) ? (body as AsyncIterable<Buffer>) : nothing()
}

async function* nothing(): AsyncGenerator<Buffer> {}

export default routes
