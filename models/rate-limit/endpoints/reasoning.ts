import { counted, short } from '../figures.js'
import type { Interval } from '../../statistics/bootstrap-interval.js'
import type { EndpointProfile } from './profile.js'
import { strategyMultiplier, type Strategy } from '../strategies.js'
import type { Tier } from '../tiers.js'

interface Reasons {
  readonly profile: EndpointProfile
  readonly base: number
  readonly limit: number
  readonly burst: number
  readonly tier: Tier
  readonly strategy: Strategy
  readonly days: number
  readonly interval: Interval
}

/** Explains the limit of an endpoint in sentences, with the numbers it was computed from. */
export function describeEndpointLimit(reasons: Reasons): string {
  const { profile, base, limit, burst, tier, strategy, days, interval } = reasons
  const factor = Number(strategyMultiplier(strategy, profile).toPrecision(3))
  const sentences = [
    `Of ${counted(profile.totalRequests, 'request')} on ${counted(days, 'day')} the busy minutes (p95) had ${short(profile.p95RequestsPerMinute)}, the busiest ${profile.peakRequestsPerMinute}.`,
    `With a fifth to spare that makes ${base} a minute; tier ${tier.name} × ${tier.multiplier} and strategy ${strategy} × ${factor} make ${limit}.`,
    `A burst of ${burst} is let through at once; a busy second has ${counted(short(profile.typicalBurstSize), 'request')}, the busiest ${profile.largestBurstSize}.`,
  ]
  if (days > 1) {
    sentences.push(
      `With other days the limit would lie between ${Math.round(interval.lower)} and ${Math.round(interval.upper)}, nine times in ten.`,
    )
  }
  return sentences.join(' ')
}
