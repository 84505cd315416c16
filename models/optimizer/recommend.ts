import type { LongWindow } from '../rate-limit/client-limit.js'
import { recommendEndpointLimit, type EndpointRecommendation } from '../rate-limit/endpoint-limit.js'
import type { Strategy } from '../rate-limit/strategies.js'
import type { Tier } from '../rate-limit/tiers.js'
import { endpointBurst } from './burst-curve.js'
import { recommendClientLimit } from './client-recommendation.js'
import type { CurvePoint, EndpointModel } from './optimizer-model.js'

export type Scope = 'endpoint' | 'client'

/** The names are those of the HTTP interface. */
export interface Recommendation extends EndpointRecommendation {
  /** Whether the limit is for all callers of the endpoint together, or for each of them. */
  readonly scope: Scope
  /** A second limit over a longer time; always null with scope endpoint. */
  readonly long_window: LongWindow | null
  /** Bursts that the arrivals need at some rates, ascending. */
  readonly curve: readonly CurvePoint[]
  /** The clients' own peak minutes; null with scope endpoint. */
  readonly clients: ClientFigures | null
}

export interface ClientFigures {
  readonly count: number
  readonly p50_peak_minute: number
  readonly p90_peak_minute: number
  readonly p99_peak_minute: number
  /** The busiest minute and hour of any client that behaves. */
  readonly busiest_minute: number
  readonly busiest_hour: number
  /** Floods and scrapers, of which the limit takes no account: how many, and the first ten by name. */
  readonly left_out: number
  readonly left_out_names: readonly string[]
}

export interface RecommendationRequest {
  readonly endpoint: string
  readonly tier: Tier
  readonly strategy: Strategy
  readonly scope: Scope
  readonly currentLimit: number | null
  /** Null for an endpoint never seen. */
  readonly model: EndpointModel | null
}

const SEED = 1

/** The limit and the burst for an endpoint, with the evidence; deterministic. */
export function recommend(request: RecommendationRequest): Recommendation {
  const { model, scope } = request
  if (scope === 'client' && model?.client) {
    return recommendClientLimit({ ...request, profile: model.profile, client: model.client })
  }
  const curve = model?.curve ?? []
  const found = recommendEndpointLimit({
    ...request,
    profile: model?.profile ?? null,
    dailyP95: model?.dailyP95 ?? [],
    ...(curve.length > 0 && { burstAt: (limit: number) => endpointBurst(curve, limit) }),
    seed: SEED,
  })
  const shared = { ...found, scope, long_window: null, curve, clients: null }
  if (scope === 'endpoint' || model === null) return shared
  const unknown = 'No client of this endpoint is known: this is the limit of all its callers together.'
  return { ...shared, scope: 'endpoint', warnings: [...shared.warnings, unknown] }
}
