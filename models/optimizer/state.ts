import { isSnakeCaseState, toCamelCaseState } from './snake-case-state.js'
import type { EndpointProfile } from '../rate-limit/endpoints/profile.js'
import type { ClientModel, CostModel, EndpointModel, RateOptimizer } from './model.js'

/** A {@link RateOptimizer} as plain JSON. */
interface RateOptimizerState {
  readonly byTemplate: readonly [string, EndpointModel][]
  readonly byMethod: readonly [string, EndpointModel][]
  readonly gateway?: EndpointModel | null
  readonly costs?: CostState | null
  readonly requests: number
}

type CostState = Omit<CostModel, 'weights'> & { readonly weights: readonly [string, number][] }

export function rateOptimizerToState(optimizer: RateOptimizer): RateOptimizerState {
  const { byTemplate, byMethod, gateway, costs, requests } = optimizer
  const costState = costs && { ...costs, weights: [...costs.weights] }
  return { byTemplate: [...byTemplate], byMethod: [...byMethod], gateway, costs: costState, requests }
}

/**
 * The optimizer of a state, also of one that a release with snake_case names has written.
 * @throws Error saying which endpoint is invalid
 */
export function rateOptimizerFromState(state: unknown): RateOptimizer {
  const current = isSnakeCaseState(state) ? toCamelCaseState(state) : state
  const { gateway = null, costs = null, ...lists } = (current ?? {}) as Partial<RateOptimizerState>
  const { byTemplate, byMethod, requests } = lists
  if (!isCount(requests)) throw new Error('it does not say how many requests it was learned from')
  const methods = toMap(byMethod)
  if (gateway !== null && !isEndpointModel(gateway)) throw new Error('its gateway is not one')
  return {
    byTemplate: withFrequentMethods(toMap(byTemplate), methods),
    byMethod: methods,
    gateway: gateway && withToday(gateway),
    costs: costs && toCosts(costs),
    requests,
  }
}

function toCosts(costs: Partial<CostState>): CostModel {
  const { weights, defaultWeight, meanWeight, client } = costs
  const isWeight = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 1
  const isList =
    Array.isArray(weights) && weights.every(([path, weight]) => typeof path === 'string' && isWeight(weight))
  if (!isList || !isWeight(defaultWeight) || !isWeight(meanWeight) || !isClientModel(client)) {
    throw new Error('its costs are none')
  }
  return { weights: new Map(weights), defaultWeight: defaultWeight!, meanWeight: meanWeight!, client }
}

/** States of releases up to 0.1.0 do not name the most frequent method. The methods of a path tell it. */
function withFrequentMethods(
  templates: ReadonlyMap<string, EndpointModel>,
  methods: ReadonlyMap<string, EndpointModel>,
): ReadonlyMap<string, EndpointModel> {
  const frequent = new Map<string, EndpointProfile>()
  for (const { profile } of methods.values()) {
    const known = frequent.get(profile.endpoint)
    if (!known || profile.totalRequests > known.totalRequests) frequent.set(profile.endpoint, profile)
  }
  return new Map(
    [...templates].map(([name, model]) => {
      const { frequentMethod = frequent.get(name)?.method ?? null } =
        model.profile as Partial<EndpointProfile>
      return [name, { ...model, profile: { ...model.profile, frequentMethod } }]
    }),
  )
}

function toMap(entries: unknown): ReadonlyMap<string, EndpointModel> {
  if (!Array.isArray(entries)) throw new Error('it has no list of endpoints')
  return new Map(
    entries.map((entry: unknown): [string, EndpointModel] => {
      const [name, model] = (Array.isArray(entry) ? entry : []) as [unknown, Partial<EndpointModel>?]
      if (typeof name === 'string' && isEndpointModel(model)) return [name, withToday(model)]
      throw new Error(`its endpoint ${JSON.stringify(name)} is not one`)
    }),
  )
}

/** What states of releases up to 0.2.0 do not have. */
const WITHOUT_PROGRAMS = {
  dayWindow: null,
  misuse: { failures: { seconds: 60, limit: 10 }, distinctPaths: null },
  programs: [],
  untilMs: 0,
}

function withToday(model: EndpointModel): EndpointModel {
  return model.client ? { ...model, client: { ...WITHOUT_PROGRAMS, ...model.client } } : model
}

function isEndpointModel(model: Partial<EndpointModel> | undefined): model is EndpointModel {
  const { profile, dailyP95, curve, client } = model ?? {}
  if (!profile || !isCount(profile.p95RequestsPerMinute) || !isCount(profile.totalRequests)) return false
  if (!Array.isArray(dailyP95) || !dailyP95.every(isCount) || !isCurve(curve)) return false
  return client === null || isClientModel(client)
}

function isClientModel(client: Partial<ClientModel> | undefined): client is ClientModel {
  return isCount(client?.limit) && isCurve(client.curve)
}

function isCurve(points: unknown): boolean {
  return Array.isArray(points) && points.every((point) => isCount(point?.limit) && isCount(point?.burst))
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
