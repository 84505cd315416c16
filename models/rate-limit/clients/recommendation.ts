import type { ClientLimit, LongWindow } from './limit.js'
import { describeClientLimit } from './reasoning.js'
import { scaleLimit, type EndpointRecommendation } from '../endpoints/limit.js'
import type { EndpointProfile } from '../endpoints/profile.js'
import type { Strategy } from '../strategies.js'
import type { Tier } from '../tiers.js'
import { limitWarnings } from '../warnings.js'
import { FEW_CLIENTS } from './well-behaved.js'

/** The names are those of the HTTP interface. */
export interface ClientRecommendation extends EndpointRecommendation {
  readonly long_window: LongWindow | null
  /** Of the clients' own busiest minutes. */
  readonly client_peaks: ClientLimit['peakMinutes']
  /** The burst that clients need at some rates (requests a minute). */
  readonly burst_curve: readonly { readonly limit: number; readonly burst: number }[]
  readonly clients: number
  /** Clients that were left out as floods or scrapers. */
  readonly runaway_clients: number
}

/** What is asked, and what is known. */
export interface ClientLimitRequest {
  readonly endpoint: string
  readonly tier: Tier
  readonly strategy: Strategy
  readonly currentLimit: number | null
  /** Of the endpoint, and the limit of its clients. */
  readonly profile: EndpointProfile
  readonly fitted: ClientLimit
}

const CURVE = [0.5, 1, 2, 4]
const MUCH_LEFT_OUT = 0.1

/**
 * The limit of one client as a tier and a strategy have it. The burst is what clients need at that limit, but no more
 * than a minute's worth: where a low tier is kept below what clients do, a deep bucket would undo it.
 */
export function recommendClientLimit(request: ClientLimitRequest): ClientRecommendation {
  const { endpoint, tier, strategy, currentLimit, profile, fitted } = request
  const asked = { endpoint, tier, strategy, current_limit: currentLimit, profile }
  const scale = (base: number) => scaleLimit(base, tier, strategy, profile)
  const limit = scale(fitted.limit)
  const burst = Math.max(1, Math.min(fitted.burstAt(limit), limit))
  const { longWindow } = fitted
  const long_window = longWindow && { seconds: longWindow.seconds, limit: scale(longWindow.limit) }
  const ratio = limit / fitted.limit
  return {
    ...asked,
    recommended_limit: limit,
    recommended_burst: burst,
    long_window,
    confidence: fitted.confidence,
    interval: { lower: fitted.interval.lower * ratio, upper: fitted.interval.upper * ratio },
    client_peaks: fitted.peakMinutes,
    burst_curve: CURVE.map((times) => Math.max(1, Math.round(limit * times))).map((at) => ({
      limit: at,
      burst: fitted.burstAt(at),
    })),
    clients: fitted.clients,
    runaway_clients: fitted.nRunaways,
    reasoning: describeClientLimit(fitted, { limit, burst, longWindow: long_window, tier, strategy }),
    warnings: [
      ...limitWarnings({ profile, limit, currentLimit, belowUsual: belowUsual(fitted, limit) }),
      ...programs(fitted),
      ...littleData(fitted),
    ],
  }
}

function belowUsual({ peakMinutes }: ClientLimit, limit: number): string | null {
  return limit < peakMinutes.p90
    ? `one client in ten has ${Number(peakMinutes.p90.toPrecision(3))} requests or more in its busiest minute`
    : null
}

/** A program at an even pace may be a scraper or the best customer: only a person can tell. */
function programs({ clients, nRunaways, leftOut, nCustomers }: ClientLimit): string[] {
  const warnings: string[] = []
  if (leftOut > MUCH_LEFT_OUT) {
    const who = nRunaways === 1 ? '1 client that was' : `${nRunaways} clients that were`
    const share = Number((100 * leftOut).toPrecision(3))
    warnings.push(
      `${who} left out made ${share} % of the requests: look at runaway_names; this limit would stop them.`,
    )
  }
  if (nCustomers > 0) {
    warnings.push(
      `${nCustomers} of the ${clients} clients stand far above the others, but come day by day and make most of the requests: they count as customers and raise the limit.`,
    )
  }
  return warnings
}

function littleData({ clients, days }: ClientLimit): string[] {
  const warnings: string[] = []
  if (clients < FEW_CLIENTS) {
    warnings.push(
      `Only ${clients} clients to learn from; fewer than ${FEW_CLIENTS} say little about the next.`,
    )
  }
  if (days < 2) warnings.push('Only one day to learn from: nothing is known of how days differ.')
  return warnings
}
