import type { CurvePoint } from '../rate-limit/burst-curve.js'
import type { Program } from '../rate-limit/clients/exceptions.js'
import type { ClientLimitFacts } from '../rate-limit/clients/limit.js'
import type { EndpointProfile } from '../rate-limit/endpoints/profile.js'
import type { RequestCosts } from '../rate-limit/request-costs.js'

/** What is known of the clients of an endpoint, before tier and strategy; see fitClientLimit. */
export interface ClientModel extends ClientLimitFacts {
  /** Clients that were left out in part or as a whole, the first ten by name. */
  readonly runaways: readonly string[]
  /** Programs that may need a limit of their own, the busiest first. */
  readonly programs: readonly Program[]
  /** The burst that clients need, ascending in the limit, not empty. */
  readonly curve: readonly CurvePoint[]
}

/** What is known of an endpoint. */
export interface EndpointModel {
  readonly profile: EndpointProfile
  /** The p95 of requests per minute of each day. */
  readonly dailyP95: readonly number[]
  /** The burst that all callers together need on nine of ten days, ascending in the limit; empty where times are not known. */
  readonly curve: readonly CurvePoint[]
  /** Null where nobody is known to have sent the requests. */
  readonly client: ClientModel | null
}

/** What is known of the costs of requests. */
export interface CostModel extends RequestCosts {
  /** What an average request costs, a whole number from 1. */
  readonly meanWeight: number
  /** Of the whole gateway, in average requests; see ClientCosts. */
  readonly client: ClientModel
}

/** What the rate limits of a gateway are recommended from. Immutable. */
export interface RateOptimizer {
  /** Path templates, with all their methods; by name, ascending. */
  readonly byTemplate: ReadonlyMap<string, EndpointModel>
  /** `GET /users/{id}`. */
  readonly byMethod: ReadonlyMap<string, EndpointModel>
  /** All endpoints together, those without a name too; null in a model of a release up to 0.2.0. */
  readonly gateway: EndpointModel | null
  /** Null where no latency or no client is known, and in a model of a release up to 0.2.0. */
  readonly costs: CostModel | null
  /** Requests of all endpoints. */
  readonly requests: number
}
