import type { Interval } from '../statistics/bootstrap-interval.js'
import type { CurvePoint } from './burst-curve.js'
import type { EndpointProfile } from './endpoints/profile.js'
import type { RateLimitException } from './exception.js'
import type { RequestCosts } from './request-costs.js'
import type { Strategy } from './strategies.js'
import type { Tier } from './tiers.js'

/** Whether a limit is for all callers of an endpoint together, for each of them, or for each client of the gateway. */
export type Scope = 'endpoint' | 'client' | 'gateway-client'

/** The endpoint of a limit over the whole gateway. */
export const GATEWAY = '/**'

/** A second limit over a longer time. */
export interface LongWindow {
  readonly seconds: number
  /** Requests in each window, a whole number from 1. */
  readonly limit: number
}

/** Quantiles of the clients' own busiest minutes, in requests. */
export interface PeakMinutes {
  readonly p50: number
  readonly p90: number
  readonly p99: number
}

/** What a rate limit is recommended for. */
export interface RateLimitTarget {
  /** `/users/{id}` with all its methods, or `GET /users/{id}`. */
  readonly endpoint: string
  readonly tier: Tier
  readonly strategy: Strategy
  /** The limit in force, requests a minute; null where there is none. */
  readonly currentLimit: number | null
}

/** A rate limit for an endpoint, with the evidence for it. */
export interface RateLimitRecommendation extends Omit<RateLimitTarget, 'tier'> {
  /** The name of the tier. */
  readonly tier: string
  readonly scope: Scope
  /** What requests cost, where limits count that: then they are in ms instead of requests. Null: they count requests. */
  readonly costs: RequestCosts | null
  /** Requests a minute, a whole number from 1. */
  readonly limit: number
  /** Requests at once, a whole number from 1. */
  readonly burst: number
  /** Null with scope endpoint, and where the limit per minute suffices. */
  readonly longWindow: LongWindow | null
  /** A third limit, over a day; null as the one above. */
  readonly dayWindow: LongWindow | null
  /** Responses 401, 403 and 404 that a client may get in a window; null but with scope gateway-client. */
  readonly failures: LongWindow | null
  /** Different paths that a client may ask for in a window; null but with scope gateway-client. */
  readonly distinctPaths: LongWindow | null
  /** Legitimate programs with limits of their own, the busiest first; none with scope endpoint. */
  readonly exceptions: readonly RateLimitException[]
  /** 0…1; see {@link confidence}. */
  readonly confidence: number
  /** Where the limit would be with other days, 9 times in 10; null without traffic. */
  readonly interval: Interval | null
  /** Bursts that the arrivals need at some limits, ascending in the limit. */
  readonly burstCurve: readonly CurvePoint[]
  /** Null with scope endpoint. */
  readonly clientPeaks: PeakMinutes | null
  /** Clients that were learned from; null with scope endpoint. */
  readonly clients: number | null
  /** Clients that were left out as floods or scrapers: how many, and the names of the first ten. */
  readonly runawayClients: number
  readonly runawayNames: readonly string[]
  readonly reasoning: string
  readonly warnings: readonly string[]
  /** Null for an endpoint never seen. */
  readonly profile: EndpointProfile | null
}
