import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import {
  ExportLogsRequest,
  ExportTraceRequest,
  LogsResponse,
  otlpFailures,
  otlpResponse,
  TraceResponse,
} from './schemas/otlp.js'
import { ref } from './schemas/types.js'

/** OTLP over HTTP; the plugin plugins/http/otlp.ts of the same scope reads the bodies and writes the answers. */
const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/v1/traces',
    {
      bodyLimit: 8 * 1024 * 1024,
      config: { access: 'detect', envelope: false, otlp: 'traces' },
      schema: {
        operationId: 'exportTraces',
        tags: ['ingest'],
        summary: 'Record requests from OpenTelemetry traces',
        description:
          'OTLP/HTTP for collectors and SDKs, as protobuf or JSON, optionally with gzip. HTTP server spans become requests; other spans are accepted and ignored. The answer has the encoding of the request. It counts the spans that cannot be stored. Repeating the same body adds nothing. Send it again after 503.',
        body: { content: { 'application/json': { schema: ref(ExportTraceRequest) } } },
        response: { 200: otlpResponse(TraceResponse), ...otlpFailures() },
      },
    },
    async (request) =>
      app.otlp.storeTraces(
        request.body as ExportTraceRequest,
        request.bodyDigest,
        request.sourceFor(undefined, 'otlp'),
      ),
  )

  app.post(
    '/v1/logs',
    {
      bodyLimit: 8 * 1024 * 1024,
      config: { access: 'detect', envelope: false, otlp: 'logs' },
      schema: {
        operationId: 'exportLogs',
        tags: ['ingest'],
        summary: 'Record requests from OpenTelemetry logs',
        description:
          'OTLP/HTTP for collectors and SDKs, as protobuf or JSON, optionally with gzip. Log records that describe HTTP requests become requests. The answer has the encoding of the request. It counts the records that cannot be stored, those of other logs included. Repeating the same body adds nothing. Send it again after 503.',
        body: { content: { 'application/json': { schema: ref(ExportLogsRequest) } } },
        response: { 200: otlpResponse(LogsResponse), ...otlpFailures() },
      },
    },
    async (request) =>
      app.otlp.storeLogs(
        request.body as ExportLogsRequest,
        request.bodyDigest,
        request.sourceFor(undefined, 'otlp'),
      ),
  )
}

export default routes
