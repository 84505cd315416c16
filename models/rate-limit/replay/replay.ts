import { FixedWindows } from './fixed-window.js'
import type { LimitRule } from './limit-rule.js'
import { PairSlots } from '../pair-slots.js'
import { ReplayTally, type ReplayReport } from './report.js'
import { TokenBuckets } from './token-bucket.js'
import { MINUTE_MS } from '../../traffic/durations.js'

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
}

/** The limit of an endpoint. */
export interface ReplayRule extends LimitRule {
  /** A second limit over a longer time: windows of the clock. A request must pass both. */
  readonly longWindow?: { readonly limit: number; readonly windowMs: number }
}

export interface ReplayOptions {
  /** By index of the endpoint; null: not limited. */
  readonly rules: readonly (ReplayRule | null)[]
  /** A window lets `limit` through and has no burst. */
  readonly algorithm: 'token_bucket' | 'fixed_window'
  /** Whether a bucket is for all callers of an endpoint together, or for each of them. */
  readonly scope: 'endpoint' | 'client'
  /** Clients, and pairs of client and endpoint, that are kept; the requests of further ones pass uncounted. */
  readonly mostClients?: number
}

/** The client of a request of which neither a user nor an address is known. */
export const NOBODY = 0xffffffff

const MOST_CLIENTS = 2_000_000

interface Limiter {
  take(client: number, timeMs: number): boolean
}

/**
 * Replays requests through the exact limiters and says what these would have done ("what would this have blocked last
 * week?"). Requests stream through in batches; the memory is that of the clients' states, about 60 bytes for each pair
 * of client and endpoint, and ends at `mostClients`: what comes from further clients passes and is counted in
 * `unattributed`, as are, with scope client, the requests of nobody.
 */
export class Replay {
  readonly #options: ReplayOptions
  readonly #tally = new ReplayTally()
  readonly #mostClients: number
  readonly #slots: PairSlots | null
  #limiters: (Limiter | null)[]
  readonly #longWindows: (FixedWindows | null)[]
  #lastMs = -Infinity

  /** @throws RangeError when a rule holds anything but whole numbers from 1 */
  constructor(options: ReplayOptions) {
    const { rules, scope, mostClients = MOST_CLIENTS } = options
    this.#options = options
    this.#mostClients = mostClients
    this.#slots = scope === 'client' && rules.length > 1 ? new PairSlots(rules.length, mostClients) : null
    this.#longWindows = rules.map((rule) => (rule?.longWindow ? new FixedWindows(rule.longWindow) : null))
    this.#limiters = this.#makeLimiters(0) // so that bad rules are known at once
  }

  /** @throws RangeError when a request is dated before the one ahead of it, or its endpoint has no rule */
  push({ length, timeMs, client, endpoint, tier }: RequestBatch): void {
    const tally = this.#tally
    const nRules = this.#options.rules.length
    if (this.#lastMs === -Infinity && length > 0) this.#limiters = this.#makeLimiters(timeMs[0]!)
    for (let i = 0; i < length; i++) {
      const now = timeMs[i]!
      if (!(now >= this.#lastMs)) throw new RangeError('Requests must come in order of time.')
      if (endpoint[i]! >= nRules) throw new RangeError(`There is no rule for endpoint ${endpoint[i]}.`)
      this.#lastMs = now
      tally.atMinute(Math.floor(now / MINUTE_MS))
      const rejected = !this.#passes(endpoint[i]!, client[i]!, now)
      if (client[i]! < this.#mostClients) tally.countClient(client[i]!, rejected)
      tally.count(endpoint[i]!, tier[i]!, rejected)
    }
  }

  /** What happened; call it once, at the end. */
  report(): ReplayReport {
    return this.#tally.report()
  }

  #passes(endpoint: number, client: number, timeMs: number): boolean {
    const limiter = this.#limiters[endpoint]!
    if (limiter === null) return true
    const slot = this.#slotOf(endpoint, client)
    if (slot < 0) {
      this.#tally.unattributed++
      return true
    }
    const long = this.#longWindows[endpoint]!
    if (long === null) return limiter.take(slot, timeMs)
    const room = long.allows(slot, timeMs)
    if (!room) {
      this.#tally.longWindow++
      return false
    }
    return limiter.take(slot, timeMs) && long.take(slot, timeMs)
  }

  #slotOf(endpoint: number, client: number): number {
    if (this.#options.scope === 'endpoint') return 0
    if (client >= this.#mostClients) return -1
    return this.#slots === null ? client : this.#slots.slotOf(endpoint, client)
  }

  #makeLimiters(originMs: number): (Limiter | null)[] {
    const { rules, algorithm } = this.#options
    return rules.map((rule) => {
      if (rule === null) return null
      return algorithm === 'token_bucket' ? new TokenBuckets(rule, originMs) : new FixedWindows(rule)
    })
  }
}
