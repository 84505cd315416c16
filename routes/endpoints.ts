import type { FastifyInstance } from 'fastify'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { callerClosed } from './caller-closed.js'
import {
  ChangedPathRules,
  EndpointList,
  EndpointsPreview,
  EndpointsQuery,
  PathRules,
  PreviewBody,
} from './schemas/endpoints.js'
import { failures, ref } from './schemas/types.js'

const DEFAULT_DAYS = 7
const DEFAULT_LIMIT = 100

/** The OpenAPI document of a large gateway. */
const MAX_RULES_BYTES = 2 * 1024 * 1024

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/endpoints',
    {
      config: { access: 'read', slots: 'compute' },
      schema: {
        operationId: 'listEndpoints',
        tags: ['limits'],
        summary: 'List the known endpoints',
        description:
          'The requests that came since the last update are counted first, for at most two seconds. A warning says where that is not enough.',
        querystring: EndpointsQuery,
        response: { 200: ref(EndpointList), ...failures(400, 503) },
      },
    },
    async ({ query, warnings: told }) => {
      const { limit = DEFAULT_LIMIT, offset = 0, days = DEFAULT_DAYS, state = null, prefix = '' } = query
      const { min_requests: minRequests = 0, sort = 'requests' } = query
      const filter = { days, state, prefix, minRequests, sort, limit, offset }
      const { endpoints, total, warnings } = await app.endpoints.list(filter)
      told.push(...warnings)
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
      bodyLimit: MAX_RULES_BYTES,
      config: { access: 'operate', audit: false },
      schema: {
        operationId: 'previewEndpoints',
        tags: ['limits'],
        summary: 'Show what path rules would do to the last week',
        description:
          'Nothing is changed. The most frequent 50,000 paths of the last week are compared, for ten seconds at most; one preview at a time.',
        body: ref(PreviewBody),
        response: { 200: ref(EndpointsPreview), ...failures(400, 409, 413, 415, 503) },
      },
    },
    async ({ body }, reply) => {
      const found = await app.endpoints.preview(body.rules, callerClosed(reply))
      const previewed = ({ endpoint, requests, from, fromCount }: (typeof found.changed)[number]) => {
        return { endpoint, requests, from: [...from], from_count: fromCount }
      }
      return {
        from: found.from.toISOString(),
        to: found.to.toISOString(),
        paths: found.paths,
        complete: found.complete,
        endpoints_before: found.endpointsBefore,
        endpoints_after: found.endpointsAfter,
        changed: found.changed.map(previewed),
        changed_count: found.changedCount,
        ignored: found.ignored.map(previewed),
      }
    },
  )

  app.get(
    '/endpoints/rules',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'getPathRules',
        tags: ['limits'],
        summary: 'Show the path rules in force',
        response: { 200: ref(PathRules), ...failures(503) },
      },
    },
    async () => toHttp(await app.endpoints.rules()),
  )

  app.put(
    '/endpoints/rules',
    {
      bodyLimit: MAX_RULES_BYTES,
      config: { access: 'admin' },
      schema: {
        operationId: 'setPathRules',
        tags: ['limits'],
        summary: 'Set the path rules',
        description:
          'All replicas follow them, instead of PATH_RULES, and keep them when they restart. The history is rolled up again in the background. The same rules again change nothing.',
        body: ref(PreviewBody),
        response: { 200: ref(ChangedPathRules), ...failures(400, 413, 415, 503) },
      },
    },
    async ({ body }) => toHttp(await app.endpoints.setRules(body.rules)),
  )

  app.delete(
    '/endpoints/rules',
    {
      config: { access: 'admin' },
      schema: {
        operationId: 'deletePathRules',
        tags: ['limits'],
        summary: 'Forget the stored path rules',
        description: 'Those of PATH_RULES are in force again.',
        response: { 200: ref(ChangedPathRules), ...failures(503) },
      },
    },
    async () => toHttp(await app.endpoints.dropRules()),
  )
}

type RulesInForce = Awaited<ReturnType<FastifyInstance['endpoints']['rules']>>

function toHttp<T extends RulesInForce>({ rules, updatedAt, isApplied, source, ...rest }: T) {
  return {
    ...rest,
    source,
    updated_at: updatedAt?.toISOString() ?? null,
    applied: isApplied,
    rules: {
      templates: [...rules.templates],
      ignore: [...rules.ignore],
      case_insensitive: rules.caseInsensitive,
      trailing_slash: rules.ignoreTrailingSlash ? ('ignore' as const) : ('strict' as const),
      host: rules.host,
    },
  }
}

export default routes
