import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Static } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
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
      const { rows, total } = await app.optimization.recommendations.find(filter)
      return { recommendations: rows.map(toKept), total, limit, offset }
    },
  )

  app.post(
    '/optimize/recommendations/:id/apply',
    {
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
      const { applied_by = null } = request.body
      return toKept(await app.optimization.recommendations.apply(request.params.id, applied_by))
    },
  )

  app.post(
    '/optimize/recommendations/:id/reject',
    {
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
      return toKept(await app.optimization.recommendations.reject(request.params.id, reason))
    },
  )
}

type Kept = Awaited<ReturnType<FastifyInstance['optimization']['recommendations']['apply']>>

/** The gateway's table has no columns for these fields, so they are stored with the profile. */
type Evidence = Partial<Pick<Static<typeof KeptRecommendation>, 'scope' | 'long_window'>>

function toKept(row: Kept): Static<typeof KeptRecommendation> {
  const { scope = null, long_window = null, ...profile } = (row.profile ?? {}) as Evidence
  return {
    id: row.id,
    generated_at: row.generatedAt.toISOString(),
    endpoint: row.endpoint,
    tier: row.tier,
    current_limit: row.currentLimit,
    current_burst: row.currentBurst,
    recommended_limit: row.limit,
    recommended_burst: row.burst,
    strategy: row.strategy,
    confidence: row.confidence,
    reasoning: row.reasoning,
    warnings: [...(row.warnings ?? [])],
    scope,
    long_window,
    profile: Object.keys(profile).length > 0 ? profile : null,
    status: row.status,
    applied_at: row.appliedAt?.toISOString() ?? null,
    applied_by: row.appliedBy,
    rejection_reason: row.rejectionReason,
    expires_at: row.expiresAt?.toISOString() ?? null,
  }
}

export default routes
