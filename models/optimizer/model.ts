import type { Interval } from '../statistics/bootstrap-interval.js'
import type { LongWindow } from '../rate-limit/clients/limit.js'
import type { EndpointProfile } from '../rate-limit/endpoints/profile.js'

/** The burst (bucket depth, requests) that arrivals need at a rate (requests a minute). */
export interface CurvePoint {
  readonly limit: number
  readonly burst: number
}

/** What is known of the clients of an endpoint, before tier and strategy; see fitClientLimit. */
export interface ClientModel {
  readonly limit: number
  readonly longWindow: LongWindow | null
  readonly confidence: number
  readonly interval: Interval
  /** Of the clients' own peak minutes, all clients. */
  readonly peakMinutes: { readonly p50: number; readonly p90: number; readonly p99: number }
  readonly busiestMinute: number
  readonly busiestHour: number
  readonly clients: number
  /** Clients that were left out in part or whole: the first ten by name, and how many. */
  readonly runaways: readonly string[]
  readonly nRunaways: number
  /** Their share of the requests, 0…1; and how many stand apart like them but belong, as customers. */
  readonly leftOut: number
  readonly nCustomers: number
  readonly days: number
  readonly requests: number
  readonly curve: readonly CurvePoint[]
}

/** What is known of an endpoint. */
export interface EndpointModel {
  readonly profile: EndpointProfile
  /** The p95 of requests per minute of each day. */
  readonly dailyP95: readonly number[]
  /** All callers together, ascending in the limit: what nine of ten days need; empty where times are not known. */
  readonly curve: readonly CurvePoint[]
  /** Null where nobody is known to have sent the requests. */
  readonly client: ClientModel | null
}

/** What the limits of a gateway are recommended from. Immutable and plain: it survives JSON. */
export interface RateOptimizer {
  /** Path templates, with all their methods; by name, ascending. */
  readonly byTemplate: ReadonlyMap<string, EndpointModel>
  /** `GET /users/{id}`. */
  readonly byMethod: ReadonlyMap<string, EndpointModel>
  /** Requests of all endpoints. */
  readonly requests: number
}
