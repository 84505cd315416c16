import { burstOn } from '../rate-limit/burst-curve.js'
import { recommendClientLimit } from '../rate-limit/clients/recommendation.js'
import { recommendEndpointLimit } from '../rate-limit/endpoints/recommendation.js'
import type { RateLimitRecommendation, RateLimitTarget, Scope } from '../rate-limit/recommendation.js'
import type { EndpointModel } from './model.js'

interface RecommendationRequest extends RateLimitTarget {
  readonly scope: Scope
  /** Null for an endpoint never seen. */
  readonly model: EndpointModel | null
}

const SEED = 1

/**
 * The limit and the burst for an endpoint, with the evidence; deterministic. Where scope client is asked for but no
 * client of the endpoint is known, the answer is the limit of all callers together, with scope endpoint and a warning.
 */
export function recommend(request: RecommendationRequest): RateLimitRecommendation {
  const { model, scope, ...target } = request
  if (scope !== 'endpoint' && model?.client) {
    const { client, profile } = model
    const burstAt = (limit: number) => burstOn(client.curve, limit)
    return recommendClientLimit({
      ...target,
      profile,
      fitted: client,
      burstAt,
      runawayNames: client.runaways,
      programs: client.programs,
      scope,
    })
  }
  const found = recommendEndpointLimit({
    ...target,
    profile: model?.profile ?? null,
    dailyP95: model?.dailyP95 ?? [],
    curve: model?.curve ?? [],
    seed: SEED,
  })
  if (scope === 'endpoint' || model === null) return { ...found, scope }
  return { ...found, warnings: [...found.warnings, NO_CLIENTS] }
}

const NO_CLIENTS = 'No client of this endpoint is known: this is the limit of all its callers together.'
