import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'

const DESCRIPTION = [
  'Watches the traffic of an API gateway: whether this minute is abnormal and why.',
  'Every answer is an envelope: `success`, `data` and `timestamp`, or the failure with a stable `code` and a `message` that says what to do next.',
].join('\n\n')

/** A body that may come as NDJSON too, see plugins/http/json-lines.ts. */
function withJsonLines(schema: unknown, list: string) {
  const lines = { type: 'string', description: `An entry of ${list} in each line, as JSON.` }
  return { content: { 'application/json': { schema }, 'application/x-ndjson': { schema: lines } } }
}

/** The OpenAPI document, made of the routes' schemas, and Swagger UI at /docs. */
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
        servers: [{ url: '/', description: 'This service.' }],
        security: [],
        tags: [
          { name: 'detection', description: 'Is this minute of traffic abnormal, and why?' },
          { name: 'training', description: 'Learning from recorded or synthetic traffic.' },
          { name: 'models', description: 'What is active, and what is stored.' },
          { name: 'ingest', description: 'Requests of gateways that have no database of their own.' },
          { name: 'export', description: 'The data, in formats that people use.' },
          { name: 'health', description: 'For probes and for people.' },
        ],
      },
      transform: ({ schema, url, route }) => {
        const { jsonLines } = route.config ?? {}
        return {
          url,
          schema: jsonLines ? { ...schema, body: withJsonLines(schema?.body, jsonLines.list) } : schema,
        }
      },
      refResolver: {
        buildLocalReference: (schema, _base, _fragment, index) => String(schema.$id ?? `schema-${index}`),
      },
    })
    await app.register(swaggerUi, { routePrefix: '/docs', uiConfig: { tryItOutEnabled: true } })
  },
  { name: 'openapi' },
)
