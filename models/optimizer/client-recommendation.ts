import type { EndpointProfile } from '../rate-limit/profile.js'
import { strategyMultiplier } from '../rate-limit/strategies.js'
import { TIERS } from '../rate-limit/tiers.js'
import { burstOn } from './burst-curve.js'
import type { ClientModel } from './optimizer-model.js'
import type { Recommendation, RecommendationRequest } from './recommend.js'

interface ClientRequest extends RecommendationRequest {
  readonly profile: EndpointProfile
  readonly client: ClientModel
}

const FEW_CLIENTS = 50
const FAR_BELOW = 0.7

/**
 * The limit of one client of an endpoint: what its clients do at their busiest, times tier and strategy as for the
 * endpoint, limit = trunc(trunc(limit × tier) × strategy), at least 1; the long window likewise.
 */
export function recommendClientLimit(request: ClientRequest): Recommendation {
  const { endpoint, tier, strategy, currentLimit, profile, client } = request
  const factor = strategyMultiplier(strategy, profile)
  const scaled = (value: number) =>
    Math.max(1, Math.trunc(Math.trunc(value * TIERS[tier].multiplier) * factor))
  const limit = scaled(client.limit)
  const burst = burstOn(client.curve, limit)
  const share = limit / client.limit
  const { longWindow } = client
  return {
    endpoint,
    tier,
    strategy,
    scope: 'client',
    current_limit: currentLimit,
    recommended_limit: limit,
    recommended_burst: burst,
    long_window: longWindow && { seconds: longWindow.seconds, limit: scaled(longWindow.limit) },
    confidence: client.confidence,
    interval: { lower: client.interval.lower * share, upper: client.interval.upper * share },
    curve: client.curve,
    clients: {
      count: client.clients,
      p50_peak_minute: client.peakMinutes.p50,
      p90_peak_minute: client.peakMinutes.p90,
      p99_peak_minute: client.peakMinutes.p99,
      busiest_minute: client.busiestMinute,
      busiest_hour: client.busiestHour,
      left_out: client.nRunaways,
      left_out_names: client.runaways,
    },
    reasoning: describe(request, limit, burst),
    warnings: warningsOf(request, limit),
    profile,
  }
}

function describe({ client, profile, tier, strategy }: ClientRequest, limit: number, burst: number): string {
  const { p50, p90, p99 } = client.peakMinutes
  const factor = Number(strategyMultiplier(strategy, profile).toPrecision(3))
  const sentences = [
    `Of ${client.clients} clients on ${client.days} ${client.days === 1 ? 'day' : 'days'} the busiest minute of one in two is up to ${short(p50)} requests, of nine in ten ${short(p90)}, of 99 in a hundred ${short(p99)}.`,
    `Those who behave are served by ${client.limit} a minute; tier ${tier} × ${TIERS[tier].multiplier} and strategy ${strategy} × ${factor} make ${limit}, with a burst of ${burst} at once.`,
  ]
  if (client.nRunaways > 0) {
    const are = client.nRunaways === 1 ? 'client is' : 'clients are'
    sentences.push(
      `${client.nRunaways} ${are} left out, in part or whole: what they do stands apart from all others.`,
    )
  }
  if (client.longWindow) {
    sentences.push(
      `Nobody who behaves has more than ${client.busiestHour} in an hour, far below an hour at the limit: a second limit by the hour stops slow scrapers.`,
    )
  }
  return sentences.join(' ')
}

function warningsOf({ client, currentLimit }: ClientRequest, limit: number): string[] {
  const warnings: string[] = []
  if (currentLimit !== null && limit < FAR_BELOW * currentLimit) {
    warnings.push(
      `The recommended limit of ${limit} is far below the current limit of ${currentLimit} requests a minute.`,
    )
  }
  if (limit < client.peakMinutes.p90) {
    warnings.push(
      `The limit of ${limit} is below what clients regularly do: one in ten has a minute with more than ${short(client.peakMinutes.p90)} requests.`,
    )
  }
  if (client.clients < FEW_CLIENTS) {
    warnings.push(`Only ${client.clients} clients to learn from; fewer than ${FEW_CLIENTS} are little.`)
  }
  if (client.days <= 1)
    warnings.push('Only one day to learn from: how the clients change from day to day is not known.')
  return warnings
}

function short(value: number): number {
  return Number(value.toPrecision(3))
}
