import { PairSlots } from '../pair-slots.js'
import { ReplayTally, type LimitPart, type ReplayReport } from './report.js'
import {
  partsOf,
  RULE_PARTS,
  RuleLimiter,
  type Algorithm,
  type ReplayedRequest,
  type ReplayRule,
} from './rule-limiter.js'
import { MINUTE_MS } from '../../traffic/durations.js'

export type { ReplayRule } from './rule-limiter.js'

/** Requests in columns, in order of time; the first `length` entries of each count. */
export interface RequestBatch {
  readonly length: number
  /** Whole milliseconds since 1970, ascending from batch to batch. */
  readonly timeMs: Float64Array
  /** Index of the client, or {@link NOBODY}. */
  readonly client: Uint32Array
  /** Index into the rules. */
  readonly endpoint: Uint32Array
  /** Index of the tier; the caller knows its name. */
  readonly tier: Uint8Array
  /** HTTP status, 0 where there is none, and hashes of the path; needed for limits of failures and of different paths. */
  readonly status?: Uint16Array
  readonly path?: Uint32Array
}

export interface ReplayOptions {
  /** By index of the endpoint; null: not limited. */
  readonly rules: readonly (ReplayRule | null)[]
  /** For each client over all endpoints together; a request must pass it beside the rule of its endpoint. */
  readonly gateway?: ReplayRule | null
  /** A window lets `limit` through and has no burst. */
  readonly algorithm: Algorithm
  /** Whether a bucket of the rules is for all callers of an endpoint together, or for each of them. */
  readonly scope: 'endpoint' | 'client'
  /** What a request of an endpoint counts as, by index of the endpoint: whole numbers from 1. Left out: 1. */
  readonly weights?: ArrayLike<number>
  /** The name of a client by its index; needed where rules have exceptions. */
  readonly clientName?: (client: number) => string
  /** Clients, and pairs of client and endpoint, that are kept; the requests of further ones pass uncounted. */
  readonly maxClients?: number
}

/** The client of a request of which neither a user nor an address is known. */
export const NOBODY = 0xffffffff

const MAX_CLIENTS = 2_000_000

/**
 * Replays requests through the exact limiters and says what these would have done ("what would this have blocked last
 * week?"). A request must pass the limit of the gateway and that of its endpoint. One that is rejected by any of them
 * is counted by none, and its response is no failure.
 *
 * Requests stream through in batches; the memory is that of the clients' states, about 60 bytes for each pair of client
 * and endpoint, and ends at `maxClients`: what comes from further clients passes and is counted in `unattributed`, as
 * are, where clients are limited, the requests of nobody.
 */
export class Replay {
  readonly #options: ReplayOptions
  readonly #tally: ReplayTally
  readonly #request: ReplayedRequest = { timeMs: 0, status: 0, path: 0, cost: 1 }
  readonly #maxClients: number
  readonly #slots: PairSlots | null
  #limiters: readonly (RuleLimiter | null)[] = []
  #gateway: RuleLimiter | null = null
  /** Limiters with exceptions, and clients whose names they know. */
  #withExceptions: readonly RuleLimiter[] = []
  #nMet = 0
  #lastMs = -Infinity

  /** @throws RangeError when a rule holds anything but whole numbers from 1 */
  constructor(options: ReplayOptions) {
    const { rules, scope, maxClients = MAX_CLIENTS } = options
    this.#options = options
    this.#tally = new ReplayTally(limitParts(options))
    this.#maxClients = maxClients
    this.#slots = scope === 'client' && rules.length > 1 ? new PairSlots(rules.length, maxClients) : null
    this.#makeLimiters(0) // so that bad rules are known at once
  }

  /** @throws RangeError when a request is dated before the one ahead of it, or its endpoint has no rule */
  push({ length, timeMs, client, endpoint, tier, status, path }: RequestBatch): void {
    const tally = this.#tally
    const request = this.#request
    const { weights, rules } = this.#options
    const nRules = rules.length
    if (this.#lastMs === -Infinity && length > 0) this.#makeLimiters(timeMs[0]!)
    for (let i = 0; i < length; i++) {
      const now = timeMs[i]!
      if (!(now >= this.#lastMs)) throw new RangeError('Requests must come in order of time.')
      if (endpoint[i]! >= nRules) throw new RangeError(`There is no rule for endpoint ${endpoint[i]}.`)
      this.#lastMs = now
      tally.atMinute(Math.floor(now / MINUTE_MS))
      if (this.#withExceptions.length > 0) this.#meet(client[i]!)
      request.timeMs = now
      if (status) request.status = status[i]!
      if (path) request.path = path[i]!
      if (weights) request.cost = weights[endpoint[i]!]!
      const rejected = !this.#passes(endpoint[i]!, client[i]!)
      if (client[i]! < this.#maxClients) tally.countClient(client[i]!, rejected)
      tally.count(endpoint[i]!, tier[i]!, rejected)
    }
  }

  /** What happened; call it once, at the end. */
  report(): ReplayReport {
    return this.#tally.report()
  }

  #passes(endpoint: number, client: number): boolean {
    const request = this.#request
    const limiter = this.#limiters[endpoint]!
    const gateway = this.#gateway
    if (limiter === null && gateway === null) return true
    const slot = limiter === null ? -1 : this.#slotOf(endpoint, client)
    const isKnown = client < this.#maxClients
    if (slot < 0 && (gateway === null || !isKnown)) {
      this.#tally.unattributed++
      return true
    }
    const ofGateway = gateway !== null && isKnown ? gateway.check(client, client, request) : null
    if (ofGateway !== null) return this.#reject('gateway', ofGateway, client)
    const ofEndpoint = slot >= 0 ? limiter!.checkAndTake(slot, client, request) : null
    if (ofEndpoint !== null) return this.#reject('endpoint', ofEndpoint, client)
    if (isKnown) gateway?.take(client, client, request)
    return true
  }

  #reject(of: LimitPart['of'], part: LimitPart['part'], client: number): false {
    this.#tally.reject(of, part, client < this.#maxClients ? client : null)
    return false
  }

  #slotOf(endpoint: number, client: number): number {
    if (this.#options.scope === 'endpoint') return 0
    if (client >= this.#maxClients) return -1
    return this.#slots === null ? client : this.#slots.slotOf(endpoint, client)
  }

  /** Clients have indexes in the order in which they come. */
  #meet(client: number): void {
    if (client < this.#nMet || client >= this.#maxClients) return
    for (; this.#nMet <= client; this.#nMet++) {
      const name = this.#options.clientName?.(this.#nMet)
      if (name !== undefined) for (const limiter of this.#withExceptions) limiter.meet(this.#nMet, name)
    }
  }

  #makeLimiters(originMs: number): void {
    const { rules, gateway = null, algorithm, scope } = this.#options
    const make = (rule: ReplayRule | null) => rule && new RuleLimiter(rule, algorithm, originMs)
    this.#limiters = rules.map(make)
    this.#gateway = make(gateway)
    const hasExceptions = (rule: ReplayRule | null | undefined) => (rule?.exceptions?.size ?? 0) > 0
    const ofEndpoints = scope === 'client' ? this.#limiters.filter((_, i) => hasExceptions(rules[i])) : []
    const ofGateway = hasExceptions(gateway) ? [this.#gateway] : []
    this.#withExceptions = [...ofEndpoints, ...ofGateway].filter((limiter) => limiter !== null)
  }
}

/** The limits that requests can be rejected by: those of the gateway first. */
function limitParts({ gateway, rules }: ReplayOptions): LimitPart[] {
  const ofEndpoints = new Set(rules.flatMap((rule) => (rule ? partsOf(rule) : [])))
  return [
    ...(gateway ? partsOf(gateway) : []).map((part) => ({ of: 'gateway' as const, part })),
    ...RULE_PARTS.filter((part) => ofEndpoints.has(part)).map((part) => ({ of: 'endpoint' as const, part })),
  ]
}
