import type { Static } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { Recommendation } from '../schemas/recommendation.js'
import { toClientLimits, toUnit } from './client-limits.js'
import { toProfile } from './profile.js'

type Answered = Awaited<ReturnType<FastifyInstance['optimization']['recommend']>>
type Body = Static<typeof Recommendation>

/** A recommendation as HTTP has it. */
export function toRecommendation(found: Answered): Body {
  const { id, backtest, state, isMissing = false } = found
  const hasNoLimit = state === 'attack' || state === 'ignored' || (state === 'other' && isMissing)
  return {
    endpoint: found.endpoint,
    tier: found.tier,
    strategy: found.strategy,
    scope: found.scope,
    current_limit: found.currentLimit,
    state: state ?? 'unknown',
    recommended_limit: hasNoLimit ? null : found.limit,
    recommended_burst: hasNoLimit ? null : found.burst,
    ...toUnit(found.costs),
    long_window: found.longWindow,
    ...toClientLimits(found),
    confidence: found.confidence,
    interval: found.interval,
    burst_curve: [...found.burstCurve],
    client_peaks: found.clientPeaks,
    clients: found.clients,
    runaway_clients: found.runawayClients,
    runaway_names: [...found.runawayNames],
    reasoning: found.reasoning,
    warnings: [...found.warnings],
    profile: found.profile && toProfile(found.profile),
    ...(backtest && { backtest: toShortBacktest(backtest) }),
    ...(id !== undefined && { id }),
  }
}

function toShortBacktest(backtest: NonNullable<Answered['backtest']>): NonNullable<Body['backtest']> {
  const { from, to, requests, rejected, rejectionRate, clients, clientsAffected } = backtest
  return {
    ...{ from: from.toISOString(), to: to.toISOString(), requests, rejected },
    ...{ rejection_rate: rejectionRate, clients, clients_affected: clientsAffected },
  }
}
