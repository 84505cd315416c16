import { findEndpoint, type FoundEndpoint } from '../../models/optimizer/endpoint-lookup.js'
import type { RateOptimizer } from '../../models/optimizer/model.js'
import { recommend, type Recommendation, type Scope } from '../../models/optimizer/recommend.js'
import type { ReplayRule } from '../../models/rate-limit/replay/replay.js'
import type { Strategy } from '../../models/rate-limit/strategies.js'
import type { Tier } from '../../models/rate-limit/tiers.js'
import { ServiceError } from '../http/errors.js'
import { timeRange, type RangeRequest } from '../http/time-range.js'
import type { BacktestPlan } from './backtest.js'
import { DAY_MS, MINUTE_MS } from '../../models/traffic/durations.js'

/** What limits are for. */
export interface LimitChoice {
  readonly tier?: Tier | undefined
  readonly strategy?: Strategy | undefined
  readonly scope?: Scope | undefined
}

export interface BacktestRequest extends LimitChoice, RangeRequest {
  readonly endpoint?: string | undefined
  readonly limit?: number | undefined
  readonly burst?: number | undefined
  readonly window_seconds?: number | undefined
  readonly long_window?: { readonly seconds: number; readonly limit: number } | undefined
  readonly algorithm?: 'token_bucket' | 'fixed_window' | undefined
  readonly by_method?: boolean | undefined
}

const MOST_DAYS = 90

/**
 * What a request asks to be replayed.
 * @throws ServiceError INVALID_REQUEST naming the field
 */
export function backtestPlan(
  request: BacktestRequest,
  optimizer: RateOptimizer | null,
  trained: () => RateOptimizer,
  now: Date,
): BacktestPlan {
  const { endpoint, scope = 'endpoint', algorithm = 'token_bucket', by_method = false } = request
  const range = timeRange(request, now)
  if (range.to.getTime() - range.from.getTime() > MOST_DAYS * DAY_MS) {
    const problem = `is ${range.from.toISOString()}; allowed is at most ${MOST_DAYS} days before to`
    throw new ServiceError('INVALID_REQUEST', `from ${problem}.`, [{ field: 'from', problem }])
  }
  assertWindows(request)
  const found = endpoint === undefined ? null : findEndpoint(optimizer, endpoint)
  const shared = {
    ...range,
    algorithm,
    endpoint: found?.name ?? null,
    byMethod: found?.hasMethod ?? by_method,
  }
  if (request.limit !== undefined) return { ...shared, scope, rules: givenRule(request, request.limit) }
  if (found) {
    const recommendation = recommendFor(found, request)
    return { ...shared, scope: recommendation.scope, rules: toRule(recommendation) }
  }
  const { byMethod, byTemplate } = trained()
  const rules = [...(by_method ? byMethod : byTemplate)]
    .map(([name, model]) => recommendFor({ name, model }, request))
    .filter((each) => each.scope === scope)
    .map((each): [string, ReplayRule] => [each.endpoint, toRule(each)])
  return { ...shared, scope, rules: new Map(rules) }
}

function recommendFor(
  { name, model }: Pick<FoundEndpoint, 'name' | 'model'>,
  choice: LimitChoice,
): Recommendation {
  const { tier = 'default', strategy = 'balanced', scope = 'endpoint' } = choice
  return recommend({ endpoint: name, tier, strategy, scope, currentLimit: null, model })
}

function givenRule({ burst, window_seconds = 60, long_window }: BacktestRequest, limit: number): ReplayRule {
  const rule = { limit, burst: burst ?? limit, windowMs: window_seconds * 1000 }
  if (!long_window) return rule
  return { ...rule, longWindow: { limit: long_window.limit, windowMs: long_window.seconds * 1000 } }
}

/** These shape a limit that is given; a recommended one has its own. */
function assertWindows(request: BacktestRequest): void {
  if (request.limit !== undefined) return
  for (const field of ['burst', 'window_seconds', 'long_window'] as const) {
    if (request[field] === undefined) continue
    const problem = 'is given without limit; allowed is either both, or tier and strategy'
    throw new ServiceError('INVALID_REQUEST', `${field} ${problem}.`, [{ field, problem }])
  }
}

/** A recommendation as the limiter takes it. */
export function toRule({ recommended_limit, recommended_burst, long_window }: Recommendation): ReplayRule {
  const rule = { limit: recommended_limit, burst: recommended_burst, windowMs: MINUTE_MS }
  if (long_window === null) return rule
  return { ...rule, longWindow: { limit: long_window.limit, windowMs: long_window.seconds * 1000 } }
}
