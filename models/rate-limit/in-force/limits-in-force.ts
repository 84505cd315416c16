import { MINUTE_MS } from '../../traffic/durations.js'
import { PairSlots } from '../pair-slots.js'
import { NOBODY, type RequestBatch } from '../replay/replay.js'
import { RuleLimiter, type ReplayedRequest } from '../replay/rule-limiter.js'
import { grown } from '../growing-array.js'
import { limitPattern } from './limit-pattern.js'

/** A limit that the gateway enforces. */
export interface LimitInForce {
  /** As the gateway has it; see {@link limitPattern}. */
  readonly pattern: string
  /** Null: for all tiers. */
  readonly tier: string | null
  /** Requests a minute, from 1. */
  readonly limit: number
  /** Requests at once; null: as many as in a minute. */
  readonly burst: number | null
  /** Whether all callers share it, or each has its own. */
  readonly scope: 'endpoint' | 'client'
}

/** What the limits in force would have done. */
export interface LimitsOutcome {
  readonly requests: number
  readonly rejected: number
  readonly clients: number
  /** Clients with at least one rejected request. */
  readonly clientsAffected: number
  /** The limits that apply to these requests, by their place in the list. */
  readonly applied: readonly number[]
}

/** The names behind the indexes of the requests; they may grow with the stream. */
export interface RequestIndexes {
  readonly endpoints: readonly string[]
  /** At 0 no tier is known. */
  readonly tiers: readonly string[]
}

/** The tier of requests of which none is known. */
const DEFAULT_TIER = 'default'
const MAX_CLIENTS = 2_000_000

/** The limits of an endpoint and a tier, by their place; -1 where there is none. */
interface Applying {
  readonly gateway: number
  readonly endpoint: number
}

/**
 * Replays requests through the limits that a gateway has. A request must pass that of the whole gateway, and the one that
 * describes its endpoint most closely; of those, the limit of its tier comes before the one for all tiers. Token buckets, full
 * at the beginning. Memory: about 60 bytes for each client of a limit.
 */
export class LimitsInForce {
  readonly #limits: readonly LimitInForce[]
  readonly #names: RequestIndexes
  readonly #slots: PairSlots
  readonly #patterns
  readonly #applying = new Map<number, Applying>()
  readonly #applied = new Set<number>()
  readonly #request: ReplayedRequest = { timeMs: 0, status: 0, path: 0, cost: 1 }
  #limiters: readonly RuleLimiter[] | undefined
  #requests = 0
  #rejected = 0
  /** By client: 1 with a request, 3 with a rejected one. */
  #seen = new Uint32Array(1024)

  /** @throws RangeError when a limit is not a whole number from 1 */
  constructor(limits: readonly LimitInForce[], names: RequestIndexes) {
    this.#limits = limits
    this.#names = names
    this.#slots = new PairSlots(Math.max(1, limits.length), MAX_CLIENTS)
    this.#patterns = limits.map(({ pattern }) => limitPattern(pattern))
    this.#makeLimiters(0) // so that bad limits are known at once
  }

  push({ length, timeMs, client, endpoint, tier, status }: RequestBatch): void {
    if (this.#limiters === undefined && length > 0) this.#limiters = this.#makeLimiters(timeMs[0]!)
    for (let i = 0; i < length; i++) {
      this.#request.timeMs = timeMs[i]!
      this.#request.status = status?.[i] ?? 0
      const passes = this.#passes(endpoint[i]!, tier[i]!, client[i]!)
      this.#requests++
      if (!passes) this.#rejected++
      if (client[i]! >= MAX_CLIENTS) continue
      this.#seen = grown(this.#seen, client[i]! + 1)
      this.#seen[client[i]!]! |= passes ? 1 : 3
    }
  }

  outcome(): LimitsOutcome {
    let [clients, clientsAffected] = [0, 0]
    for (const bits of this.#seen) {
      if (bits > 0) clients++
      if (bits > 1) clientsAffected++
    }
    const applied = [...this.#applied].sort((a, b) => a - b)
    return { requests: this.#requests, rejected: this.#rejected, clients, clientsAffected, applied }
  }

  #passes(endpoint: number, tier: number, client: number): boolean {
    const { gateway, endpoint: own } = this.#applyingTo(endpoint, tier)
    const slotOfGateway = this.#slotOf(gateway, client)
    if (slotOfGateway >= 0 && this.#limiters![gateway]!.check(slotOfGateway, client, this.#request) !== null)
      return false
    const slot = this.#slotOf(own, client)
    if (slot >= 0 && this.#limiters![own]!.checkAndTake(slot, client, this.#request) !== null) return false
    if (slotOfGateway >= 0) this.#limiters![gateway]!.take(slotOfGateway, client, this.#request)
    return true
  }

  /** -1 where the limit does not count the request. */
  #slotOf(limit: number, client: number): number {
    if (limit < 0) return -1
    if (this.#limits[limit]!.scope === 'endpoint') return 0
    return client === NOBODY ? -1 : this.#slots.slotOf(limit, client)
  }

  #applyingTo(endpoint: number, tier: number): Applying {
    const key = endpoint * 256 + tier
    const known = this.#applying.get(key)
    if (known) return known
    const name = this.#names.endpoints[endpoint] ?? ''
    const tierName = (this.#names.tiers[tier] || DEFAULT_TIER).toLowerCase()
    const applying = {
      gateway: this.#best(tierName, (i) => (this.#patterns[i]!.isWholeGateway ? 1 : 0)),
      endpoint: this.#best(tierName, (i) => this.#patterns[i]!.closeness(name)),
    }
    for (const limit of Object.values(applying)) if (limit >= 0) this.#applied.add(limit)
    this.#applying.set(key, applying)
    return applying
  }

  /** The closest limit, that of the tier first. */
  #best(tier: string, closeness: (limit: number) => number): number {
    let [best, most] = [-1, 0]
    this.#limits.forEach((limit, i) => {
      const close = closeness(i)
      if (close === 0 || (limit.tier !== null && limit.tier.toLowerCase() !== tier)) return
      const value = 2 * close + (limit.tier === null ? 0 : 1)
      if (value > most) [best, most] = [i, value]
    })
    return best
  }

  #makeLimiters(originMs: number): RuleLimiter[] {
    return this.#limits.map(
      ({ limit, burst }) =>
        new RuleLimiter({ limit, burst: burst ?? limit, windowMs: MINUTE_MS }, 'token_bucket', originMs),
    )
  }
}
