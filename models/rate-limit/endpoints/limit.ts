import type { Interval } from '../../statistics/bootstrap-interval.js'
import { confidence, UNTRAINED_CONFIDENCE } from '../confidence.js'
import { dailyMovement } from '../daily-movement.js'
import { friendlyNumber } from './friendly-number.js'
import type { EndpointProfile } from './profile.js'
import { describeEndpointLimit } from './reasoning.js'
import { strategyMultiplier, type Conduct, type Strategy } from '../strategies.js'
import { TIERS, type Tier } from '../tiers.js'
import { limitWarnings } from '../warnings.js'

/** The names are those of the HTTP interface. */
export interface EndpointRecommendation {
  readonly endpoint: string
  readonly tier: Tier
  readonly strategy: Strategy
  readonly current_limit: number | null
  /** Requests a minute, whole, at least 1. */
  readonly recommended_limit: number
  /** Requests at once, whole, at least 1. */
  readonly recommended_burst: number
  /** 0…1 */
  readonly confidence: number
  /** Where the limit would lie with other days, 9 times in 10; null without traffic. */
  readonly interval: Interval | null
  readonly reasoning: string
  readonly warnings: readonly string[]
  readonly profile: EndpointProfile | null
}

/** What is asked, and what is known. */
export interface EndpointLimitRequest {
  readonly endpoint: string
  readonly tier: Tier
  readonly strategy: Strategy
  readonly currentLimit: number | null
  /** Null for an endpoint never seen. */
  readonly profile: EndpointProfile | null
  /** {@link dailyP95}; empty counts as a single day. */
  readonly dailyP95: ArrayLike<number>
  /** Depth that the arrivals need at the recommended rate; absent where the request times are not known. */
  readonly burstAt?: (limit: number) => number
  readonly seed: number
}

const HEADROOM = 1.2
const LEAST_BASE = 10

/**
 * The limit of an endpoint, all its callers together, from its busy minutes: base = max(10, 1.2 × p95), rounded to
 * a friendly number; limit = trunc(trunc(base × tier) × strategy), at least 1. Products are those of doubles, as
 * existing users know them (90 × 0.7 is 62). Without a profile: what the tier gets by default, whatever the strategy.
 */
export function recommendEndpointLimit(request: EndpointLimitRequest): EndpointRecommendation {
  const { endpoint, tier, strategy, currentLimit, profile } = request
  const asked = { endpoint, tier, strategy, current_limit: currentLimit, profile }
  if (profile === null) return { ...asked, ...untrained(tier), warnings: [], interval: null }
  const base = endpointBase(profile.p95_requests_per_minute)
  const limit = scaleLimit(base, tier, strategy, profile)
  const burst = request.burstAt?.(limit) ?? burstOf(limit, profile.typical_burst_size)
  const interval = dailyMovement(request.dailyP95, limit, request.seed)
  const days = Math.max(1, request.dailyP95.length)
  const requests = profile.total_requests
  return {
    ...asked,
    recommended_limit: limit,
    recommended_burst: burst,
    confidence: confidence({ requests, days, interval, limit }),
    interval,
    reasoning: describeEndpointLimit({ profile, base, limit, burst, tier, strategy, days, interval }),
    warnings: limitWarnings({ profile, limit, currentLimit, belowUsual: belowUsual(profile, limit) }),
  }
}

/** What the limit of every tier is a multiple of: the busy minute with a fifth to spare, as a friendly number. */
export function endpointBase(p95RequestsPerMinute: number): number {
  return friendlyNumber(Math.max(LEAST_BASE, HEADROOM * p95RequestsPerMinute))
}

/** The base as a tier and a strategy have it: whole requests a minute, at least 1. */
export function scaleLimit(base: number, tier: Tier, strategy: Strategy, conduct: Conduct): number {
  const ofTier = Math.trunc(base * TIERS[tier].multiplier)
  return Math.max(1, Math.trunc(ofTier * strategyMultiplier(strategy, conduct)))
}

/**
 * A burst without request times to learn from: the larger of max(10, ⌊limit / 6⌋), ten seconds' worth, and twice
 * the usual burst (not above the limit), as a friendly number.
 */
export function burstOf(limit: number, typicalBurstSize: number): number {
  const tenSeconds = Math.max(10, Math.floor(limit / 6))
  return friendlyNumber(Math.max(tenSeconds, Math.min(2 * typicalBurstSize, limit)))
}

function belowUsual({ p95_requests_per_minute: p95 }: EndpointProfile, limit: number): string | null {
  return limit < p95 ? `5 % of the minutes have more than ${Number(p95.toPrecision(3))} requests` : null
}

/** The answer where there is nothing to learn from. */
export function untrained(tier: Tier) {
  const { untrainedLimit, untrainedBurst } = TIERS[tier]
  return {
    recommended_limit: untrainedLimit,
    recommended_burst: Math.trunc(untrainedLimit * untrainedBurst),
    confidence: UNTRAINED_CONFIDENCE,
    reasoning: `No traffic of this endpoint is known: this is the default of the tier ${tier}, ${untrainedLimit} requests a minute.`,
  }
}
