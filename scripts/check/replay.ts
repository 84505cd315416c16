import type {
  AppliedLimit,
  Counting,
  FileLimits,
  SeenRequest,
} from '../../formats/limit-files/read/limits.js'
import { DistinctWindows } from '../../models/rate-limit/replay/distinct-windows.js'
import { FixedWindows } from '../../models/rate-limit/replay/fixed-window.js'
import { SlidingRates } from '../../models/rate-limit/replay/sliding-rate.js'
import { TokenBuckets } from '../../models/rate-limit/replay/token-bucket.js'
import { endpointName } from '../../models/traffic/endpoint-name.js'
import { isFailure } from '../../models/traffic/failure-status.js'
import { hashPath } from '../../models/traffic/path-hash.js'
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

/** What limiters look at. */
interface Counted {
  readonly timeMs: number
  readonly status: number
  readonly pathHash: number
}

interface Limiter {
  readonly slots: Map<string, number>
  /** Whether the request passes. What counts rejected requests too counts it now. */
  allows(slot: number, request: Counted, cost: number): boolean
  /** Counts a request that passes every limit, and its response. */
  take(slot: number, request: Counted, cost: number): void
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
    const counted = { timeMs: this.toMs, status: request.status ?? 0, pathHash: hashOf(request.path) }
    const rejecting = this.#rejectedBy(this.#limits.limitsOf(request), counted)
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
    count(tally.endpoints, endpointName(method, pathTemplate(path)), MAX_ENDPOINTS)
    count(tally.clients, client, MAX_CLIENTS)
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
  #rejectedBy(limits: readonly AppliedLimit[], request: Counted): AppliedLimit | null {
    const taken: { limiter: Limiter; slot: number; cost: number }[] = []
    let rejecting: AppliedLimit | null = null
    for (const limit of limits) {
      this.#tally(limit.name).requests++
      const limiter = this.#limiter(limit, request.timeMs)
      const slot = limiter ? this.#slot(limiter, limit.key) : -1
      if (!limiter || slot < 0) {
        this.unattributed++
        continue
      }
      const { cost = 1 } = limit
      if (!limiter.allows(slot, request, cost)) rejecting ??= limit
      taken.push({ limiter, slot, cost })
    }
    if (rejecting === null) for (const { limiter, slot, cost } of taken) limiter.take(slot, request, cost)
    return rejecting
  }

  #tally(limit: string): LimitTally {
    const known = this.byLimit.get(limit)
    if (known) return known
    const tally = { requests: 0, rejected: 0, endpoints: new Map(), clients: new Map() }
    this.byLimit.set(limit, tally)
    return tally
  }

  #limiter({ name, counting }: AppliedLimit, now: number): Limiter | null {
    const burst = counting.kind === 'bucket' ? counting.burst : 0
    const key = `${counting.kind} ${counting.limit} ${burst} ${counting.windowMs} ${name}`
    const known = this.#limiters.get(key)
    if (known) return known
    if (this.#limiters.size >= MAX_LIMITERS) return null
    const limiter = { slots: new Map<string, number>(), ...counterOf(counting, now) }
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

function counterOf(counting: Counting, now: number): Omit<Limiter, 'slots'> {
  switch (counting.kind) {
    case 'sliding': {
      const rates = new SlidingRates(counting)
      return { allows: (slot, { timeMs }) => rates.take(slot, timeMs), take: () => undefined }
    }
    case 'failures': {
      const windows = new FixedWindows(counting)
      return {
        allows: (slot, { timeMs }) => windows.allows(slot, timeMs),
        take: (slot, { timeMs, status }) => isFailure(status) && windows.take(slot, timeMs),
      }
    }
    case 'paths': {
      const paths = new DistinctWindows(counting)
      return {
        allows: (slot, { timeMs, pathHash }) => paths.allows(slot, timeMs, pathHash),
        take: (slot, { timeMs, pathHash }) => paths.take(slot, timeMs, pathHash),
      }
    }
    default: {
      const bucket = counting.kind === 'bucket' ? new TokenBuckets(counting, now) : new FixedWindows(counting)
      return {
        allows: (slot, { timeMs }, cost) => bucket.allows(slot, timeMs, cost),
        take: (slot, { timeMs }, cost) => bucket.take(slot, timeMs, cost),
      }
    }
  }
}

const hashes = { path: 0, target: 0 }

/** @param path one character for each byte */
function hashOf(path: string): number {
  const bytes = Buffer.from(path, 'latin1')
  hashPath(bytes, 0, bytes.length, hashes)
  return hashes.path
}

function count(counts: Map<string, number>, key: string, max: number): void {
  const known = counts.get(key)
  if (known === undefined && counts.size >= max) return
  counts.set(key, (known ?? 0) + 1)
}
