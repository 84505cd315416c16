import type {
  AppliedLimit,
  Counting,
  FileLimits,
  SeenRequest,
} from '../../formats/limit-files/read/limits.js'
import { FixedWindows } from '../../models/rate-limit/replay/fixed-window.js'
import { SlidingRates } from '../../models/rate-limit/replay/sliding-rate.js'
import { TokenBuckets } from '../../models/rate-limit/replay/token-bucket.js'
import { endpointName } from '../../models/traffic/endpoint-name.js'
import { pathTemplate } from '../../models/traffic/path-template.js'

/** Keys of all limits together, clients, and endpoints of a limit, that are kept. */
const MAX_KEYS = 1_000_000
const MAX_CLIENTS = 200_000
const MAX_ENDPOINTS = 1000
const MAX_LIMITERS = 10_000
const EXAMPLES = 5

export interface Tally {
  requests: number
  rejected: number
}

/** A request that would be rejected. */
export interface Example {
  readonly time: string
  readonly client: string
  readonly method: string
  readonly path: string
  readonly limit: string
}

interface LimitTally extends Tally {
  readonly endpoints: Map<string, number>
  readonly clients: Map<string, number>
}

interface Limiter {
  readonly counting: Counting
  readonly slots: Map<string, number>
  readonly bucket: TokenBuckets | FixedWindows | null
  readonly rate: SlidingRates | null
}

/** Replays requests through the limits of a file, in memory that has an end. */
export class LimitReplay {
  readonly total: Tally = { requests: 0, rejected: 0 }
  readonly byLimit = new Map<string, LimitTally>()
  readonly byClient = new Map<string, Tally>()
  readonly examples: Example[] = []
  fromMs = Infinity
  toMs = -Infinity
  /** Requests that passed because the table of keys was full. */
  unattributed = 0
  readonly #limits: FileLimits
  readonly #limiters = new Map<string, Limiter>()
  #keys = 0

  constructor(limits: FileLimits) {
    this.#limits = limits
  }

  /** Requests that are dated before one ahead of them count at its time: gateways log a request when it ends. */
  push(request: SeenRequest): void {
    this.fromMs = Math.min(this.fromMs, request.timeMs)
    this.toMs = Math.max(this.toMs, request.timeMs)
    const rejecting = this.#rejectedBy(this.#limits.limitsOf(request), this.toMs)
    const client = request.user || request.address || 'unknown'
    this.total.requests++
    const tally = this.#client(client)
    if (tally) tally.requests++
    if (rejecting === null) return
    this.total.rejected++
    if (tally) tally.rejected++
    this.#countRejected(rejecting.name, client, request)
  }

  #client(client: string): Tally | undefined {
    const known = this.byClient.get(client)
    if (known || this.byClient.size >= MAX_CLIENTS) return known
    const tally = { requests: 0, rejected: 0 }
    this.byClient.set(client, tally)
    return tally
  }

  #countRejected(limit: string, client: string, { method, path, timeMs }: SeenRequest): void {
    const tally = this.byLimit.get(limit)!
    tally.rejected++
    count(tally.endpoints, endpointName(method, pathTemplate(path)))
    count(tally.clients, client)
    if (this.examples.length >= EXAMPLES) return
    this.examples.push({
      time: new Date(timeMs).toISOString(),
      client,
      method,
      path: path.slice(0, 200),
      limit,
    })
  }

  /** The first limit that a request does not pass. Counters of buckets and windows count only requests that pass all. */
  #rejectedBy(limits: readonly AppliedLimit[], now: number): AppliedLimit | null {
    const taken: { limiter: Limiter; slot: number }[] = []
    let rejecting: AppliedLimit | null = null
    for (const limit of limits) {
      const tally = this.byLimit.get(limit.name) ?? {
        requests: 0,
        rejected: 0,
        endpoints: new Map(),
        clients: new Map(),
      }
      this.byLimit.set(limit.name, tally)
      tally.requests++
      const limiter = this.#limiter(limit, now)
      const slot = limiter ? this.#slot(limiter, limit.key) : -1
      if (!limiter || slot < 0) {
        this.unattributed++
        continue
      }
      const passes = limiter.rate ? limiter.rate.take(slot, now) : limiter.bucket!.allows(slot, now)
      if (!passes) rejecting ??= limit
      taken.push({ limiter, slot })
    }
    if (rejecting === null) for (const { limiter, slot } of taken) limiter.bucket?.take(slot, now)
    return rejecting
  }

  #limiter({ name, counting }: AppliedLimit, now: number): Limiter | null {
    const burst = counting.kind === 'bucket' ? counting.burst : 0
    const key = `${counting.kind} ${counting.limit} ${burst} ${counting.windowMs} ${name}`
    const known = this.#limiters.get(key)
    if (known) return known
    if (this.#limiters.size >= MAX_LIMITERS) return null
    const limiter: Limiter = {
      counting,
      slots: new Map(),
      bucket:
        counting.kind === 'bucket'
          ? new TokenBuckets(counting, now)
          : counting.kind === 'window'
            ? new FixedWindows(counting)
            : null,
      rate: counting.kind === 'sliding' ? new SlidingRates(counting) : null,
    }
    this.#limiters.set(key, limiter)
    return limiter
  }

  #slot({ slots }: Limiter, key: string): number {
    const known = slots.get(key)
    if (known !== undefined) return known
    if (this.#keys >= MAX_KEYS) return -1
    this.#keys++
    slots.set(key, slots.size)
    return slots.size - 1
  }
}

function count(counts: Map<string, number>, key: string): void {
  const known = counts.get(key)
  if (known === undefined && counts.size >= MAX_ENDPOINTS) return
  counts.set(key, (known ?? 0) + 1)
}
