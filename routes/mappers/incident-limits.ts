import type { Static } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { IncidentLimits, IncidentRecommendation, TemporaryLimit } from '../schemas/incident-limits.js'
import { toUnit } from './client-limits.js'

type Found = Awaited<ReturnType<FastifyInstance['incidents']['find']>>
type Recommended = NonNullable<Found['incident']['recommendation']>
type Limits = NonNullable<Found['incident']['limits']>
type Applied = Awaited<ReturnType<FastifyInstance['incidentLimits']['end']>>

/** Runaways that are named, as in a recommendation of /optimize. */
const MAX_NAMES = 10

export function toIncidentRecommendation(found: Recommended): Static<typeof IncidentRecommendation> {
  const { endpoint, tier, scope, limit, burst, causedBy, caused, backtest } = found
  const { from, to, requests, rejected, clients, clientsAffected } = backtest
  return {
    ...{ endpoint, tier, strategy: 'balanced', scope, current_limit: found.currentLimit, state: 'named' },
    ...{ recommended_limit: limit, recommended_burst: burst, ...toUnit(null), long_window: null },
    ...{ day_window: null, failures: null, distinct_paths: null, exceptions: [] },
    ...{ confidence: found.confidence, interval: null, burst_curve: [], client_peaks: null, clients },
    ...{ runaway_clients: causedBy.length, runaway_names: causedBy.slice(0, MAX_NAMES) },
    ...{ reasoning: found.reasoning, warnings: [...found.warnings], profile: null },
    backtest: {
      ...{ from, to, requests, rejected, rejection_rate: requests > 0 ? rejected / requests : 0 },
      ...{ clients, clients_affected: clientsAffected },
    },
    summary: found.summary,
    caused_by: [...causedBy],
    caused: { ...caused, rejection_rate: caused.requests > 0 ? caused.rejected / caused.requests : 0 },
  }
}

export function toIncidentLimits(found: Limits): Static<typeof IncidentLimits> {
  const { asOf, limits, requests, rejected, clients, clientsAffected, isComplete } = found
  return {
    as_of: asOf,
    limits: limits.map(({ endpoint, tier, limit, burst, scope }) => ({
      endpoint,
      tier,
      limit,
      burst,
      scope,
    })),
    ...{ requests, rejected, rejection_rate: requests > 0 ? rejected / requests : 0 },
    ...{ clients, clients_affected: clientsAffected, is_complete: isComplete },
  }
}

export function toTemporaryLimit(found: Applied): Static<typeof TemporaryLimit> {
  const { incidentId, endpoint, tier, limit, burst, appliedAt, appliedBy, expiresAt } = found
  return {
    ...{ incident_id: incidentId, endpoint, tier, limit, burst },
    ...{ applied_at: appliedAt.toISOString(), applied_by: appliedBy, expires_at: expiresAt.toISOString() },
    ended_at: found.endedAt?.toISOString() ?? null,
    ended_by: found.endedBy,
    outcome: found.outcome,
    instead_of: found.insteadOf,
  }
}
