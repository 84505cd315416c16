import { counted } from '../rate-limit/figures.js'
import { burstOn } from '../rate-limit/burst-curve.js'
import { recommendClientLimit } from '../rate-limit/clients/recommendation.js'
import { recommendEndpointLimit } from '../rate-limit/endpoints/recommendation.js'
import type { RateLimitRecommendation, RateLimitTarget, Scope } from '../rate-limit/recommendation.js'
import { weightOf } from '../rate-limit/request-costs.js'
import { splitEndpoint } from '../traffic/endpoint-name.js'
import { limitByCost } from './limit-by-cost.js'
import type { CostModel, EndpointModel } from './model.js'

interface RecommendationRequest extends RateLimitTarget {
  readonly scope: Scope
  /** Null for an endpoint never seen. */
  readonly model: EndpointModel | null
  /** What is known of an endpoint without a model. */
  readonly known?: KnownEndpoint | null
  /** Where the limit of a client is to count what requests cost. */
  readonly costs?: CostModel | null
}

/** An endpoint that has requests, but no model. */
export interface KnownEndpoint {
  readonly state: 'named' | 'other' | 'ignored' | 'attack'
  readonly requests: number
  /** Most of its requests find nothing. */
  readonly isMissing?: boolean
  /** It has earned a name, which the next training gives it. */
  readonly isDue?: boolean
  /** The path rules declare it. */
  readonly isDeclared?: boolean
}

const SEED = 1

/**
 * The limit and the burst for an endpoint, with the evidence; deterministic. Where scope client is asked for but no
 * client of the endpoint is known, the answer is the limit of all callers together, with scope endpoint and a warning.
 */
export function recommend(request: RecommendationRequest): RateLimitRecommendation {
  const { costs, ...asked } = request
  if (!costs || asked.scope === 'endpoint') return recommendInRequests(asked)
  if (asked.model?.client) return recommendByCost(asked, costs)
  const found = recommendInRequests(asked)
  return { ...found, warnings: [...found.warnings, NO_COSTS] }
}

type WithoutCosts = Omit<RecommendationRequest, 'costs'>

function recommendInRequests(request: WithoutCosts): RateLimitRecommendation {
  const { model: fitted, scope, known, ...target } = request
  const model = scope === 'gateway-client' ? withoutMethod(fitted) : fitted
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
  if (model === null && known) return { ...found, ...withoutModel(known, found.limit), scope }
  if (scope === 'endpoint' || model === null) return { ...found, scope }
  return { ...found, warnings: [...found.warnings, NO_CLIENTS] }
}

/** The whole gateway has no method, though one is the most frequent. */
function withoutMethod(model: EndpointModel | null): EndpointModel | null {
  return model && { ...model, profile: { ...model.profile, frequentMethod: null } }
}

/** Each request of an endpoint costs the same: its limit is that in requests, times the weight. */
function recommendByCost(request: WithoutCosts, costs: CostModel): RateLimitRecommendation {
  const { endpoint, scope, model } = request
  // The limit in force counts requests.
  const asked = { ...request, currentLimit: null }
  if (scope === 'gateway-client') {
    const { weights, defaultWeight, meanWeight, client } = costs
    const found = recommendInRequests({ ...asked, model: { ...model!, client } })
    return limitByCost(found, { weights, defaultWeight }, meanWeight)
  }
  const { path } = splitEndpoint(endpoint)
  const weight = weightOf(costs, path)
  return limitByCost(
    recommendInRequests(asked),
    { weights: new Map([[path, weight]]), defaultWeight: weight },
    weight,
  )
}

const NO_COSTS = 'This limit counts requests, not milliseconds: no client of this endpoint is known.'
const NO_CLIENTS = 'No client of this endpoint is known: this is the limit of all its callers together.'

/** Why an endpoint that has requests gets a default. */
const WHY: Record<KnownEndpoint['state'], string> = {
  named: 'The endpoint is named, but the active model does not have it: train again.',
  other:
    'The endpoint is known but unnamed: it counts as other until requests of several clients or on several days succeed. To name it now, declare it as a template in the path rules (PUT /endpoints/rules, or PATH_RULES) and train again: POST /train. Until then, the limit over the whole gateway (scope gateway-client) covers it.',
  ignored: 'The path is ignored by the path rules, so no limit is recommended for it.',
  attack:
    'This is an attack path: most of its requests find nothing, and scanners send them. No limit is recommended for it; limit the clients instead.',
}

const DUE =
  'The endpoint has successful requests that earn it a name, but it was not trained since. Train: POST /train.'
const DECLARED =
  'The path rules declare the endpoint, but none of its requests has succeeded yet. It gets its name with the first, at the next training: POST /train.'
const MISSING =
  'Most requests of this path find nothing (404 or 410), so it earns no name and no limit is recommended for it. Until requests succeed, the limit over the whole gateway (scope gateway-client) covers it.'

function whyUnnamed({ state, isMissing, isDue, isDeclared }: KnownEndpoint): string {
  if (state !== 'other') return WHY[state]
  return isMissing ? MISSING : isDue ? DUE : isDeclared ? DECLARED : WHY.other
}

function withoutModel(known: KnownEndpoint, limit: number) {
  const { requests } = known
  const why = whyUnnamed(known)
  const usual = hasNoLimit(known) ? '' : ` ${limit} requests a minute is the default of the tier.`
  return { reasoning: `${why} It has ${counted(requests, 'request')}.${usual}`, warnings: [why] }
}

/** Whether a path is no endpoint, so that no limit is recommended for it. */
export function hasNoLimit({
  state,
  isMissing = false,
}: {
  readonly state: KnownEndpoint['state'] | null
  readonly isMissing?: boolean
}): boolean {
  return state === 'attack' || state === 'ignored' || (state === 'other' && isMissing)
}

/** Why no limit is recommended for a path. */
export function whyNoLimit(state: 'attack' | 'ignored'): string {
  return WHY[state]
}
