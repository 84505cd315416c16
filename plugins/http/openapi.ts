import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifySchema, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import { allowedRoles, rolesOf, type Access } from '../access/caller.js'
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
  { name: 'audit', description: 'See who changed what, when and from where.' },
  { name: 'health', description: 'Check the state of the service.' },
]

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call the route. Every operation says so. */
    access?: Access
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

const SECURITY_SCHEMES = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'A key of the service, or a token of the identity provider, as Authorization: Bearer KEY.',
  },
  apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'A key of the service.' },
} as const

/** The roles of which a key needs one, as OpenAPI 3.1 has them for schemes without scopes. None for an open route. */
function securityOf(access: Access): Record<string, string[]>[] {
  return allowedRoles(access).flatMap((role) =>
    Object.keys(SECURITY_SCHEMES).map((scheme) => ({ [scheme]: [role] })),
  )
}

/** What every operation may answer before its own work begins. */
const REFUSALS = {
  401: { description: 'No key, or none that is known. Only where keys are defined.', $ref: 'Failure#' },
  403: { description: 'The key has none of the roles of this route.', $ref: 'Failure#' },
  429: { description: 'More requests in a minute than RATE_LIMIT allows.', $ref: 'Failure#' },
  503: { description: 'The service is stopping, or it is overloaded.', $ref: 'Failure#' },
} as const

function withAccess(schema: FastifySchema, access: Access, hasEnvelope: boolean) {
  const security = securityOf(access)
  if (access === 'open') return { ...schema, security }
  const needed = `Needs a key with the role ${rolesOf(access).join(' or ')}, where keys are defined.`
  const description = [schema.description, needed].filter(Boolean).join(' ')
  const response = { ...(hasEnvelope && REFUSALS), ...(schema.response as object) }
  return { ...schema, security, description, response }
}

/** Every route has to say who may call it, but the pages of the documentation and the preflight requests of CORS. */
function assertAccess({ config, method, url }: RouteOptions): void {
  if (config?.access !== undefined || method === 'OPTIONS' || /^\/docs(\/|$)/.test(url)) return
  throw new Error(`${[method].flat().join(', ')} ${url} does not say who may call it: config.access`)
}

/** Builds the OpenAPI document from the schemas of the routes, and serves Swagger UI at /docs. */
export default fp<{ version: string }>(
  async (app, { version }) => {
    app.addHook('onRoute', assertAccess)
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
        components: { securitySchemes: SECURITY_SCHEMES },
        tags: TAGS,
      },
      transform: ({ schema: given, url, route }) => {
        const { jsonLines, otlp, access = 'open', envelope = true } = route.config ?? {}
        const schema = withAccess(given ?? {}, access, envelope)
        if (jsonLines) return { url, schema: { ...schema, body: withJsonLines(schema.body, jsonLines.list) } }
        if (otlp)
          return { url, schema: { ...schema, body: withProtobuf(schema.body as { content: object }) } }
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
      uiConfig: { tryItOutEnabled: true, persistAuthorization: false },
      staticCSP: PAGE_POLICY,
    })
  },
  { name: 'openapi' },
)
