import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { toProfile } from './mappers/profile.js'
import { fromSelection } from './mappers/selection.js'
import { toRateLimitList } from './mappers/rate-limit-list.js'
import { PROFILES } from './schemas/examples/limits.js'
import { total } from './schemas/limit-choice.js'
import { LimitFileQuery, LimitFiles, ProfilesQuery } from './schemas/limit-files.js'
import { Profile } from './schemas/recommendation.js'
import { count, failures, ref, timestamp } from './schemas/types.js'

const FILES = {
  aegis: 'rate-limits.yaml',
  nginx: 'aegis-limits.conf',
  envoy: 'aegis-limits.yaml',
  kong: 'kong.yaml',
  express: 'limits.mjs',
  haproxy: 'aegis-limits.cfg',
  traefik: 'aegis-traefik.yaml',
  'envoy-gateway': 'aegis-backend-traffic-policy.yaml',
  istio: 'aegis-envoy-filter.yaml',
  apisix: 'apisix.yaml',
  'ingress-nginx': 'aegis-ingress.yaml',
  caddy: 'aegis-limits.caddyfile',
  'aws-waf': 'aegis-waf.tf',
  cloudflare: 'aegis-cloudflare.tf',
  headers: 'ratelimit-policy.txt',
} as const

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/export/rate-limits',
    {
      exposeHeadRoute: false,
      config: { access: 'read', slots: 'limits' },
      schema: {
        operationId: 'exportRateLimits',
        tags: ['export'],
        summary: 'Export limits as gateway configuration',
        description:
          'Exports a complete, commented file for a gateway, or RateLimit-Policy fields. The limit over the whole gateway comes first, then the endpoints, the most specific first. Each pattern matches exactly the paths of its template. A comment names what the gateway cannot express. The file logs without rejecting if the gateway supports that. JSON is in the envelope.',
        querystring: LimitFileQuery,
        response: {
          '2xx': {
            description: 'The limits.',
            content: {
              'text/plain': { schema: { type: 'string' } },
              'application/json': { schema: enveloped(LimitFiles) },
            },
          },
          ...failures(400, 404, 409, 503),
        },
      },
    },
    async (request, reply) => {
      const { format = 'json', ...asked } = fromSelection(request.query)
      if (format === 'json') {
        const found = await app.optimization.rateLimitList(asked)
        if (found.limits.length === 0) request.warnings.push(app.optimization.nothingMatches(asked))
        return envelope({ ...toRateLimitList(found), total: found.total }, request.warnings)
      }
      const text = await app.optimization.rateLimitFile(format, asked)
      reply.type('text/plain; charset=utf-8')
      reply.header('content-disposition', `attachment; filename="${FILES[format]}"`)
      return text
    },
  )

  app.get(
    '/export/endpoint-profiles',
    {
      exposeHeadRoute: false,
      config: { access: 'read', slots: 'limits' },
      schema: {
        operationId: 'exportEndpointProfiles',
        tags: ['export'],
        summary: 'Export the traffic of each endpoint',
        description:
          'Exports the profiles of the active rate optimizer. CSV is an attachment, JSON is in the envelope.',
        querystring: ProfilesQuery,
        response: {
          '2xx': {
            description: 'The profiles.',
            content: {
              'text/csv': { schema: { type: 'string' } },
              'application/json': { schema: enveloped(Profiles) },
            },
          },
          ...failures(400, 404, 409, 503),
        },
      },
    },
    async (request, reply) => {
      const { format = 'json', ...asked } = fromSelection(request.query)
      if (format === 'json') {
        const { profiles: found, total } = await app.optimization.profiles(asked)
        const profiles = [...found].map(([endpoint, profile]) => [endpoint, toProfile(profile)] as const)
        if (profiles.length === 0) request.warnings.push(app.optimization.nothingMatches(asked))
        const data = { profiles: Object.fromEntries(profiles), count: profiles.length, total }
        return envelope(data, request.warnings)
      }
      reply.type('text/csv; charset=utf-8')
      reply.header('content-disposition', 'attachment; filename="endpoint_profiles.csv"')
      return app.optimization.profilesText(asked)
    },
  )
}

const Profiles = Type.Object(
  {
    profiles: Type.Record(Type.String(), ref(Profile), { description: 'The profile of each endpoint.' }),
    count: count('Number of endpoints in this answer.'),
    total,
  },
  { description: 'The traffic of all endpoints.', examples: [PROFILES] },
)

function enveloped(data: ReturnType<typeof Type.Object>) {
  return Type.Object({
    success: Type.Literal(true, { description: 'Always true.' }),
    data,
    timestamp: timestamp('When the service answered.'),
    warnings: Type.Optional(Type.Array(Type.String(), { description: 'What to know about this answer.' })),
  })
}

function envelope(data: object, warnings: readonly string[]) {
  const timestamp = new Date().toISOString()
  return { success: true, data, timestamp, ...(warnings.length > 0 && { warnings }) }
}

export default routes
