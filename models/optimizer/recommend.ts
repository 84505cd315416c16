import { recommendClientLimit } from '../rate-limit/clients/recommendation.js'
import type { LongWindow } from '../rate-limit/clients/limit.js'
import { recommendEndpointLimit, type EndpointRecommendation } from '../rate-limit/endpoints/limit.js'
import type { Strategy } from '../rate-limit/strategies.js'
import type { Tier } from '../rate-limit/tiers.js'
import { burstOn, endpointBurst } from './burst-curve.js'
import type { ClientModel, CurvePoint, EndpointModel } from './model.js'

export type Scope = 'endpoint' | 'client'

/** The names are those of the HTTP interface. */
export interface Recommendation extends EndpointRecommendation {
  /** Whether the limit is for all callers of the endpoint together, or for each of them. */
  readonly scope: Scope
  /** A second limit over a longer time; null with scope endpoint. */
  readonly long_window: LongWindow | null
  /** Bursts that the arrivals need at some rates, ascending. */
  readonly burst_curve: readonly CurvePoint[]
  /** Of the clients' own busiest minutes; null with scope endpoint. */
  readonly client_peaks: ClientModel['peakMinutes'] | null
  /** Clients that were learned from; null with scope endpoint. */
  readonly clients: number | null
  /** Floods and scrapers, which do not raise the limit: how many, and the first ten by name. */
  readonly runaway_clients: number
  readonly runaway_names: readonly string[]
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

/**
 * The limit and the burst for an endpoint, with the evidence; deterministic. Where scope client is asked for and
 * nobody is known to have sent the requests, it is the limit of all callers together, and says so.
 */
export function recommend(request: RecommendationRequest): Recommendation {
  const { model, scope } = request
  if (scope === 'client' && model?.client) return ofClients(request, model, model.client)
  const curve = model?.curve ?? []
  const found = recommendEndpointLimit({
    ...request,
    profile: model?.profile ?? null,
    dailyP95: model?.dailyP95 ?? [],
    ...(curve.length > 0 && { burstAt: (limit: number) => endpointBurst(curve, limit) }),
    seed: SEED,
  })
  const unknown = 'No client of this endpoint is known: this is the limit of all its callers together.'
  const isInstead = scope === 'client' && model !== null
  return {
    ...found,
    warnings: isInstead ? [...found.warnings, unknown] : found.warnings,
    scope: isInstead ? 'endpoint' : scope,
    long_window: null,
    burst_curve: curve,
    client_peaks: null,
    clients: null,
    runaway_clients: 0,
    runaway_names: [],
  }
}

function ofClients(
  request: RecommendationRequest,
  { profile }: EndpointModel,
  client: ClientModel,
): Recommendation {
  const burstAt = (limit: number) => burstOn(client.curve, limit)
  const fitted = { ...client, runaways: [], burstAt }
  const found = recommendClientLimit({ ...request, profile, fitted })
  return { ...found, scope: 'client', runaway_names: client.runaways }
}
