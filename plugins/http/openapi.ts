import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'
import { PAGE_POLICY } from './browser.js'
import { addFailureExamples } from './failure-examples.js'
import { addRequestExamples } from './request-examples.js'

const DESCRIPTION = [
  'AEGIS ML watches the traffic of an API gateway. It detects abnormal minutes and explains them. It recommends a rate limit for every endpoint.',
  'Every answer is a JSON envelope, except files, event streams and the answers of OTLP (/v1/traces, /v1/logs). A success has `success: true`, `data` and `timestamp`. A failure has `success: false`, a stable `code` and a `message` that says what to do next.',
  'Unknown fields never fail a request. The service ignores them and names them in `warnings`.',
].join('\n\n')

/** One tag for each capability. */
const TAGS = [
  { name: 'detection', description: 'Judge intervals of traffic: is this minute abnormal, and why?' },
  { name: 'incidents', description: 'See what went wrong, mark it, follow it, and scan the past.' },
  {
    name: 'notifications',
    description: 'See who was told of incidents, silence them, and report deployments.',
  },
  { name: 'training', description: 'Train models on recorded or synthetic traffic, and follow the runs.' },
  { name: 'models', description: 'List, activate, load and reset the stored model versions.' },
  {
    name: 'limits',
    description: 'Recommend rate limits, replay them on recorded traffic, and apply or reject them.',
  },
  { name: 'ingest', description: 'Record the requests of gateways without a database of their own.' },
  { name: 'export', description: 'Export traffic, endpoint profiles and limits as files.' },
  { name: 'health', description: 'Check the state of the service.' },
]

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body may also be NDJSON, with an entry of this list in each line. */
    jsonLines?: { readonly list: string }
  }
}

/** A body that may also be NDJSON. */
function withJsonLines(schema: unknown, list: string) {
  const lines = { type: 'string', description: `One entry of ${list} per line, as JSON.` }
  return { content: { 'application/json': { schema }, 'application/x-ndjson': { schema: lines } } }
}

/** A body of OTLP may also be a protobuf, see plugins/http/otlp.ts. */
function withProtobuf({ content }: { content: object }) {
  const protobuf = { description: 'The same message as protobuf.' }
  return { content: { ...content, 'application/x-protobuf': { schema: protobuf } } }
}

/** Builds the OpenAPI document from the schemas of the routes, and serves Swagger UI at /docs. */
export default fp<{ version: string }>(
  async (app, { version }) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'AEGIS ML',
          version,
          description: DESCRIPTION,
          license: { name: 'MIT', identifier: 'MIT' },
        },
        servers: [{ url: '/', description: 'This service' }],
        security: [],
        tags: TAGS,
      },
      transform: ({ schema, url, route }) => {
        const { jsonLines, otlp } = route.config ?? {}
        if (jsonLines)
          return { url, schema: { ...schema, body: withJsonLines(schema?.body, jsonLines.list) } }
        if (otlp)
          return { url, schema: { ...schema, body: withProtobuf(schema?.body as { content: object }) } }
        return { url, schema }
      },
      transformObject: (document) =>
        'openapiObject' in document
          ? addRequestExamples(addFailureExamples(document.openapiObject))
          : document.swaggerObject,
      refResolver: {
        buildLocalReference: (schema, _base, _fragment, index) => String(schema.$id ?? `schema-${index}`),
      },
    })
    await app.register(swaggerUi, {
      routePrefix: '/docs',
      uiConfig: { tryItOutEnabled: true },
      staticCSP: PAGE_POLICY,
    })
  },
  { name: 'openapi' },
)
