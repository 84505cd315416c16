import type { LongWindow, RateLimitRecommendation, RateLimitTarget } from '../recommendation.js'
import { counted } from '../figures.js'
import { scaleLimit } from '../scale-limit.js'
import { limitWarnings } from '../warnings.js'
import type { EndpointProfile } from '../endpoints/profile.js'
import { exceptionsFor, type Program } from './exceptions.js'
import { FEW_CLIENTS } from './legitimate-rows.js'
import type { ClientLimitFacts } from './limit.js'
import { describeClientLimit } from './reasoning.js'

/** What is asked, and what is known. */
interface ClientLimitRequest extends RateLimitTarget {
  /** Of the endpoint. */
  readonly profile: EndpointProfile
  readonly fitted: ClientLimitFacts
  /** The burst that clients need at a limit (requests a minute), whole. */
  readonly burstAt: (limit: number) => number
  /** Clients that were left out, the first ten by name. */
  readonly runawayNames: readonly string[]
  /** The busiest first. */
  readonly programs: readonly Program[]
  /** For each client of one endpoint, or of the whole gateway. */
  readonly scope?: 'client' | 'gateway-client'
}

/** The limits at which the burst is shown, times the recommended one. */
const CURVE_FACTORS = [0.5, 1, 2, 4]
const MUCH_LEFT_OUT = 0.1

/**
 * The limit of one client as a tier and a strategy have it. The burst is what clients need at that limit, but at most
 * a minute's worth: where a low tier is kept below what clients do, a deep bucket would undo the limit.
 */
export function recommendClientLimit(request: ClientLimitRequest): RateLimitRecommendation {
  const { endpoint, tier, strategy, currentLimit, profile, fitted, burstAt, runawayNames } = request
  const scope = request.scope ?? 'client'
  const scale = (base: number) => scaleLimit(base, tier, strategy, profile)
  const limit = scale(fitted.limit)
  const burst = Math.max(1, Math.min(burstAt(limit), limit))
  const scaled = (window: LongWindow | null) =>
    window && { seconds: window.seconds, limit: scale(window.limit) }
  const longWindow = scaled(fitted.longWindow)
  const dayWindow = scaled(fitted.dayWindow)
  const exceptions = exceptionsFor({ limit, burst, longWindow, dayWindow }, request.programs, fitted.untilMs)
  const ratio = limit / fitted.limit
  const curveLimits = CURVE_FACTORS.map((factor) => Math.max(1, Math.round(limit * factor)))
  return {
    ...{ endpoint, tier: tier.name, strategy, scope, currentLimit },
    costs: null,
    limit,
    burst,
    longWindow,
    dayWindow,
    failures: scope === 'gateway-client' ? fitted.misuse.failures : null,
    distinctPaths: scope === 'gateway-client' ? fitted.misuse.distinctPaths : null,
    exceptions,
    confidence: fitted.confidence,
    interval: { lower: fitted.interval.lower * ratio, upper: fitted.interval.upper * ratio },
    burstCurve: curveLimits.map((at) => ({ limit: at, burst: burstAt(at) })),
    clientPeaks: fitted.peakMinutes,
    clients: fitted.clients,
    runawayClients: fitted.nRunaways,
    runawayNames,
    reasoning: describeClientLimit(fitted, {
      ...{ limit, burst, longWindow, dayWindow, tier, strategy },
      exceptions,
    }),
    warnings: [
      ...limitWarnings({ profile, strategy, limit, currentLimit, belowUsual: belowUsual(fitted, limit) }),
      ...leftOutWarnings(fitted),
      ...littleDataWarnings(fitted),
    ],
    profile,
  }
}

function belowUsual({ peakMinutes }: ClientLimitFacts, limit: number): string | null {
  return limit < peakMinutes.p90
    ? `one client in ten has ${Number(peakMinutes.p90.toPrecision(3))} requests or more in its busiest minute`
    : null
}

/** A program at an even pace may be a scraper or the best customer: only a person can decide. */
function leftOutWarnings({ clients, nRunaways, leftOut, nCustomers }: ClientLimitFacts): string[] {
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

function littleDataWarnings({ clients, days }: ClientLimitFacts): string[] {
  const warnings: string[] = []
  if (clients < FEW_CLIENTS) {
    warnings.push(
      `Only ${counted(clients, 'client')} to learn from; fewer than ${FEW_CLIENTS} say little about the next.`,
    )
  }
  if (days < 2) warnings.push('Only one day to learn from: nothing is known of how days differ.')
  return warnings
}
