import type { Static } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { toClientLimits } from './client-limits.js'
import type { KeptRecommendation } from '../schemas/saved-recommendation.js'

type Kept = Awaited<ReturnType<FastifyInstance['optimization']['recommendations']['reject']>>

/** A kept recommendation as HTTP has it. */
export function toKeptRecommendation(kept: Kept): Static<typeof KeptRecommendation> {
  return {
    id: kept.id,
    generated_at: kept.generatedAt.toISOString(),
    endpoint: kept.endpoint,
    tier: kept.tier,
    current_limit: kept.currentLimit,
    current_burst: kept.currentBurst,
    recommended_limit: kept.limit,
    recommended_burst: kept.burst,
    strategy: kept.strategy,
    confidence: kept.confidence,
    reasoning: kept.reasoning,
    warnings: [...(kept.warnings ?? [])],
    scope: kept.scope,
    long_window: kept.longWindow,
    ...toClientLimits(kept),
    profile: kept.profile,
    status: kept.status,
    applied_at: kept.appliedAt?.toISOString() ?? null,
    applied_by: kept.appliedBy,
    rejection_reason: kept.rejectionReason,
    expires_at: kept.expiresAt?.toISOString() ?? null,
  }
}
