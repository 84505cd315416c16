import { endpointBurst, burstFromProfile } from './burst.js'
import type { CurvePoint } from '../burst-curve.js'
import { confidence, UNTRAINED_CONFIDENCE } from '../confidence.js'
import { dailyMovement } from '../daily-movement.js'
import type { RateLimitRecommendation, RateLimitTarget } from '../recommendation.js'
import { scaleLimit } from '../scale-limit.js'
import { strategyMultiplier, type Strategy } from '../strategies.js'
import type { Tier } from '../tiers.js'
import { limitWarnings } from '../warnings.js'
import { endpointBase } from './limit.js'
import type { EndpointProfile } from './profile.js'
import { describeEndpointLimit } from './reasoning.js'

/** What is asked, and what is known. */
interface EndpointLimitRequest extends RateLimitTarget {
  /** Null for an endpoint never seen. */
  readonly profile: EndpointProfile | null
  /** See dailyP95; an empty list counts as a single day. */
  readonly dailyP95: ArrayLike<number>
  /** The bursts that the arrivals need, ascending in the limit; empty where the request times are not known. */
  readonly curve: readonly CurvePoint[]
  readonly seed: number
}

/**
 * The limit of an endpoint, for all its callers together, from its busy minutes: {@link endpointBase}, multiplied by
 * {@link scaleLimit}. Without a profile it is what the tier gets by default, multiplied by the strategy. Deterministic.
 */
export function recommendEndpointLimit(request: EndpointLimitRequest): RateLimitRecommendation {
  const { endpoint, tier, strategy, currentLimit, profile, curve } = request
  const target = { endpoint, tier: tier.name, strategy, currentLimit }
  const shared = { ...target, ...WITHOUT_CLIENTS, burstCurve: curve, profile }
  if (profile === null) return { ...shared, ...untrained(tier, strategy), interval: null }
  const base = endpointBase(profile.p95RequestsPerMinute)
  const limit = scaleLimit(base, tier, strategy, profile)
  const burst =
    curve.length > 0 ? endpointBurst(curve, limit) : burstFromProfile(limit, profile.typicalBurstSize)
  const interval = dailyMovement(request.dailyP95, limit, request.seed)
  const days = Math.max(1, request.dailyP95.length)
  return {
    ...shared,
    limit,
    burst,
    confidence: confidence({ requests: profile.totalRequests, days, interval, limit }),
    interval,
    reasoning: describeEndpointLimit({ profile, base, limit, burst, tier, strategy, days, interval }),
    warnings: limitWarnings({
      profile,
      strategy,
      limit,
      currentLimit,
      belowUsual: belowUsual(profile, limit),
    }),
  }
}

/** Of a recommendation that looks at no client. */
const WITHOUT_CLIENTS = {
  scope: 'endpoint',
  costs: null,
  longWindow: null,
  dayWindow: null,
  failures: null,
  distinctPaths: null,
  exceptions: [],
  clientPeaks: null,
  clients: null,
  runawayClients: 0,
  runawayNames: [],
} as const

function belowUsual({ p95RequestsPerMinute: p95 }: EndpointProfile, limit: number): string | null {
  return limit < p95 ? `5 % of the minutes have more than ${Number(p95.toPrecision(3))} requests` : null
}

/** Adaptive leaves the default as it is. */
const NO_TRAITS = { timeOfDayVariance: 0, errorRate: 0, avgLatencyMs: 0 }

/** The answer where there is nothing to learn from. */
function untrained({ name, untrainedLimit, untrainedBurst }: Tier, strategy: Strategy) {
  const multiplier = strategyMultiplier(strategy, NO_TRAITS)
  return {
    limit: Math.max(1, Math.trunc(untrainedLimit * multiplier)),
    burst: Math.trunc(untrainedLimit * untrainedBurst),
    confidence: UNTRAINED_CONFIDENCE,
    reasoning: `No traffic of this endpoint is known: this is the default of the tier ${name}, ${untrainedLimit} requests a minute, times ${multiplier} for the strategy ${strategy}.`,
    warnings: ['No traffic data is available for this endpoint: the limit is a default.'],
  }
}
