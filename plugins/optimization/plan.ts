import { COST_FORMATS, type RateLimitFileFormat } from '../../formats/limit-files/limit-file.js'
import { findEndpoint, type FoundEndpoint } from '../../models/optimizer/find-endpoint.js'
import type { CostModel, EndpointModel, RateOptimizer } from '../../models/optimizer/model.js'
import { recommend } from '../../models/optimizer/recommend.js'
import {
  GATEWAY,
  type LongWindow,
  type RateLimitRecommendation,
  type Scope,
} from '../../models/rate-limit/recommendation.js'
import type { ReplayRule } from '../../models/rate-limit/replay/replay.js'
import type { Strategy } from '../../models/rate-limit/strategies.js'
import { tierNamed, type Tier, type TierTable } from '../../models/rate-limit/tiers.js'
import type { EndpointFolding } from '../../models/traffic/endpoint-folding.js'
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../../models/traffic/durations.js'
import { ServiceError, invalidField } from '../http/errors.js'
import { timeRange, type RangeRequest } from '../http/time-range.js'
import type { BacktestPlan } from './backtest.js'

/** What a rate limit is for; see {@link withDefaults}. */
export interface RateLimitChoice {
  /** Any text; see tierNamed. */
  readonly tier?: string | undefined
  readonly strategy?: Strategy | undefined
  readonly scope?: Scope | undefined
  /** What a request counts as: one, which is the default, or its cost. */
  readonly cost?: 'requests' | 'latency_ms' | undefined
}

export interface BacktestRequest extends RateLimitChoice, RangeRequest {
  /** All endpoints, when absent. */
  readonly endpoint?: string | undefined
  /** Requests per window; what is recommended, when absent. */
  readonly limit?: number | undefined
  /** These three only with `limit`. */
  readonly burst?: number | undefined
  readonly windowSeconds?: number | undefined
  readonly longWindow?: LongWindow | undefined
  readonly algorithm?: 'token_bucket' | 'fixed_window' | undefined
  readonly byMethod?: boolean | undefined
}

const MAX_DAYS = 90
const DEFAULT_WINDOW_SECONDS = 60

/**
 * The choice with what is meant where nothing is said.
 * @throws ServiceError where costs are asked for that cannot be had
 */
export function withDefaults(
  choice: RateLimitChoice,
  tiers: TierTable,
  trained: () => RateOptimizer,
): { tier: Tier; strategy: Strategy; scope: Scope; costs: CostModel | null } {
  const { tier = 'default', strategy = 'balanced', scope = 'endpoint', cost = 'requests' } = choice
  const costs = cost === 'requests' ? null : costsFor(scope, trained)
  return { tier: tierNamed(tiers, tier).tier, strategy, scope, costs }
}

function costsFor(scope: Scope, trained: () => RateOptimizer): CostModel {
  if (scope === 'endpoint')
    throw invalidField('cost', 'is latency_ms with scope endpoint; allowed is requests')
  const { costs } = trained()
  if (costs) return costs
  const message =
    'The active rate optimizer knows no costs: its requests had no latency or no client, or an earlier release has learned it. Train again on such requests, or leave out cost.'
  throw new ServiceError('MODEL_NOT_TRAINED', message)
}

/** @throws ServiceError INVALID_REQUEST where the gateway of the file counts nothing but requests */
export function assertFormat(format: RateLimitFileFormat, { cost }: RateLimitChoice): void {
  if (cost !== 'latency_ms' || COST_FORMATS.includes(format)) return
  const problem = `is latency_ms, but ${format} counts requests; formats that can count costs are json, ${COST_FORMATS.join(', ')}`
  throw invalidField('cost', problem)
}

/** @throws ServiceError INVALID_REQUEST where a request combines costs with what counts requests */
export function assertCountsRequests(
  costs: CostModel | null,
  { save, currentLimit }: { readonly save?: boolean | undefined; readonly currentLimit?: number | undefined },
): void {
  if (costs === null) return
  const why = 'with cost latency_ms, as rate_limit_rules counts requests'
  if (save === true) throw invalidField('save', `is true ${why}; allowed is false`)
  if (currentLimit !== undefined) throw invalidField('current_limit', `is given ${why}; allowed is none`)
}

/** What to tell a caller about the tier that was asked for; none where it is known. */
export function tierWarnings({ tier = 'default' }: RateLimitChoice, tiers: TierTable): string[] {
  if (tierNamed(tiers, tier).isKnown) return []
  const known = Object.keys(tiers).join(', ')
  const shown = JSON.stringify(tier.slice(0, 64))
  return [`The tier ${shown} is not known and counts as default. Known are ${known}; TIERS adds others.`]
}

/**
 * What a request asks to be replayed.
 * @throws ServiceError INVALID_REQUEST naming the field
 */
export function backtestPlan(
  request: BacktestRequest,
  optimizer: RateOptimizer | null,
  trained: () => RateOptimizer,
  {
    now,
    tiers,
    folding,
  }: { readonly now: Date; readonly tiers: TierTable; readonly folding: EndpointFolding },
): BacktestPlan {
  const { endpoint, algorithm = 'token_bucket', byMethod = false } = request
  const choice = withDefaults(request, tiers, trained)
  const { scope, costs } = choice
  const range = replayRange(request, now)
  assertWindows(request)
  const found = endpoint === undefined ? null : findEndpoint(optimizer, endpoint, folding)
  const shared = {
    ...range,
    algorithm,
    endpoint: found?.name ?? null,
    // Weights are those of paths.
    byMethod: found?.hasMethod ?? (byMethod && !(costs && request.limit !== undefined)),
    ...{ costs, gateway: null },
  }
  if (scope === 'gateway-client') {
    assertNoEndpoint(endpoint)
    const gateway =
      request.limit === undefined
        ? toRule(recommendGateway(gatewayOf(trained()), choice, null))
        : givenRule(request, request.limit)
    return { ...shared, byMethod: byMethod && !costs, endpoint: null, scope, rules: new Map(), gateway }
  }
  if (request.limit !== undefined) return { ...shared, scope, rules: givenRule(request, request.limit) }
  if (found) {
    const recommendation = recommendFor(found, choice)
    const { scope, costs } = recommendation
    return { ...shared, scope, costs, rules: toRule(recommendation) }
  }
  const { byMethod: methods, byTemplate, gateway } = trained()
  const rules = [...(byMethod ? methods : byTemplate)]
    .map(([name, model]) => recommendFor({ name, model }, choice))
    .filter((each) => each.scope === scope)
    .map((each): [string, ReplayRule] => [each.endpoint, toRule(each)])
  const ofGateway = scope === 'client' && gateway ? toRule(recommendGateway(gateway, choice, null)) : null
  return { ...shared, scope, rules: new Map(rules), gateway: ofGateway }
}

type Choice = ReturnType<typeof withDefaults>

/** The limit of each client over the whole gateway. */
export function recommendGateway(
  model: EndpointModel,
  choice: Choice,
  currentLimit: number | null,
): RateLimitRecommendation {
  return recommend({ ...choice, scope: 'gateway-client', endpoint: GATEWAY, currentLimit, model })
}

/** @throws ServiceError MODEL_NOT_TRAINED where the model is of an earlier release */
export function gatewayOf({ gateway }: RateOptimizer): EndpointModel {
  if (gateway) return gateway
  const message =
    'The active rate optimizer has no limit over the whole gateway: an earlier release has learned it. Train again: POST /train.'
  throw new ServiceError('MODEL_NOT_TRAINED', message)
}

/** @throws ServiceError INVALID_REQUEST where a limit over the whole gateway is asked for an endpoint */
export function assertNoEndpoint(endpoint: string | undefined): void {
  if (endpoint === undefined || endpoint === GATEWAY) return
  throw invalidField('endpoint', `is given with scope gateway-client; allowed is none, or ${GATEWAY}`)
}

function replayRange(request: RangeRequest, now: Date): { from: Date; to: Date } {
  const range = timeRange(request, now)
  if (range.to.getTime() - range.from.getTime() <= MAX_DAYS * DAY_MS) return range
  throw invalidField('from', `is ${range.from.toISOString()}; allowed is at most ${MAX_DAYS} days before to`)
}

function recommendFor(
  { name, model }: Pick<FoundEndpoint, 'name' | 'model'>,
  choice: Choice,
): RateLimitRecommendation {
  return recommend({ ...choice, endpoint: name, currentLimit: null, model })
}

function givenRule(
  { burst, windowSeconds = DEFAULT_WINDOW_SECONDS, longWindow }: BacktestRequest,
  limit: number,
): ReplayRule {
  const rule = { limit, burst: burst ?? limit, windowMs: windowSeconds * SECOND_MS }
  return withLongWindow(rule, longWindow ?? null)
}

/** The fields that shape a given limit, and what HTTP calls them. A recommended limit has its own. */
const WINDOW_FIELDS = { burst: 'burst', windowSeconds: 'window_seconds', longWindow: 'long_window' } as const

function assertWindows(request: BacktestRequest): void {
  if (request.limit !== undefined) return
  for (const key of ['burst', 'windowSeconds', 'longWindow'] as const) {
    if (request[key] === undefined) continue
    const problem = 'is given without limit; allowed is either both, or tier and strategy'
    throw invalidField(WINDOW_FIELDS[key], problem)
  }
}

/** A recommendation as the limiter takes it. */
export function toRule(recommendation: RateLimitRecommendation): ReplayRule {
  const { limit, burst, longWindow, dayWindow, failures, distinctPaths, exceptions } = recommendation
  const rule = withLongWindow({ limit, burst, windowMs: MINUTE_MS }, longWindow)
  return {
    ...rule,
    ...(dayWindow && { dayWindow: toWindow(dayWindow) }),
    ...(failures && { failures: toWindow(failures) }),
    ...(distinctPaths && { distinctPaths: toWindow(distinctPaths) }),
    ...(exceptions.length > 0 && { exceptions: new Map(exceptions.map((each) => [each.client, each])) }),
  }
}

function toWindow({ limit, seconds }: LongWindow) {
  return { limit, windowMs: seconds * SECOND_MS }
}

function withLongWindow(rule: ReplayRule, longWindow: LongWindow | null): ReplayRule {
  if (longWindow === null) return rule
  return { ...rule, longWindow: toWindow(longWindow) }
}

export function nothingToReplay({ endpoint, from, to }: BacktestPlan): ServiceError {
  const what = endpoint === null ? 'any endpoint' : endpoint
  const message = `There are no requests of ${what} from ${from.toISOString()} to ${to.toISOString()}. Give another range, or an endpoint of GET /export/endpoint-profiles.`
  return new ServiceError('NO_DATA', message)
}
