import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { authorOf } from './author.js'
import { toKeptRecommendation } from './mappers/kept-recommendation.js'
import {
  ApplyBody,
  KeptParams,
  KeptQuery,
  KeptRecommendation,
  KeptRecommendations,
  RejectBody,
} from './schemas/saved-recommendation.js'
import { failures, ref } from './schemas/types.js'

const DEFAULT_LIMIT = 100

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/optimize/recommendations',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'listRecommendations',
        tags: ['limits'],
        summary: 'List the saved recommendations',
        description: 'Newest first.',
        querystring: KeptQuery,
        response: { 200: ref(KeptRecommendations), ...failures(400, 409, 503) },
      },
    },
    async (request) => {
      const { status = null, endpoint = null, limit = DEFAULT_LIMIT, offset = 0 } = request.query
      const filter = { status, endpoint, limit, offset }
      const { recommendations, total } = await app.optimization.recommendations.find(filter)
      return { recommendations: recommendations.map(toKeptRecommendation), total, limit, offset }
    },
  )

  app.post(
    '/optimize/recommendations/:id/apply',
    {
      config: { access: 'operate' },
      schema: {
        operationId: 'applyRecommendation',
        tags: ['limits'],
        summary: 'Apply a saved recommendation',
        description:
          'Writes the limit to rate_limit_rules, which the gateway reads. Both changes happen in one transaction.',
        params: KeptParams,
        body: ref(ApplyBody),
        response: { 200: ref(KeptRecommendation), ...failures(400, 404, 409, 413, 415, 503) },
      },
    },
    async (request) => {
      const author = authorOf(request, 'applied_by', request.body.applied_by)
      const { id } = request.params
      const { recommendation, warnings } = await app.optimization.recommendations.apply(id, author)
      request.warnings.push(...warnings)
      return toKeptRecommendation(recommendation)
    },
  )

  app.post(
    '/optimize/recommendations/:id/reject',
    {
      config: { access: 'operate' },
      schema: {
        operationId: 'rejectRecommendation',
        tags: ['limits'],
        summary: 'Reject a saved recommendation',
        params: KeptParams,
        body: ref(RejectBody),
        response: { 200: ref(KeptRecommendation), ...failures(400, 404, 409, 413, 415, 503) },
      },
    },
    async (request) => {
      const { reason = null } = request.body
      return toKeptRecommendation(await app.optimization.recommendations.reject(request.params.id, reason))
    },
  )
}

export default routes
