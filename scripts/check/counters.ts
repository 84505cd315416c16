import type { AppliedLimit, ComparedRate, Counting } from '../../formats/limit-files/read/limits.js'
import { DistinctWindows } from '../../models/rate-limit/replay/distinct-windows.js'
import { FixedWindows } from '../../models/rate-limit/replay/fixed-window.js'
import { LeakyBuckets } from '../../models/rate-limit/replay/leaky-bucket.js'
import { SlidingRates } from '../../models/rate-limit/replay/sliding-rate.js'
import { TokenBuckets } from '../../models/rate-limit/replay/token-bucket.js'
import { isFailure } from '../../models/traffic/failure-status.js'
import { hashPath } from '../../models/traffic/path-hash.js'

/** Keys of all limits together, and limits with counters of their own. */
const MAX_KEYS = 1_000_000
const MAX_COUNTERS = 10_000

/** What is counted of a request. */
export interface CountedRequest {
  readonly timeMs: number
  /** 0 where it is not known. */
  readonly status: number
  /** One character for each byte. */
  readonly path: string
}

/** Counts the requests of keys, each in a slot of its own. */
interface Counter {
  /** Whether the request passes. */
  allows(slot: number, request: CountedRequest, limit: AppliedLimit): boolean
  /** Counts the request, and its response. */
  take(slot: number, request: CountedRequest, limit: AppliedLimit): void
}

interface Counted<T> {
  readonly slots: Map<string, number>
  readonly counter: T
}

/** A counter and the place of a key in it. */
interface Slot<T> {
  readonly counter: T
  readonly slot: number
}

export type CountsWhat = 'each' | 'until-rejected' | undefined

/** The counters of all limits of a file, in memory that has an end. */
export class Counters {
  /** Requests that a limit could not count, as the table of keys was full. */
  uncounted = 0
  #isUncounted = false
  readonly #counters = new Map<string, Counted<Counter | SlidingRates>>()
  /** The same by the limit itself: most files have one object for each limit. */
  readonly #known = new WeakMap<Counting, Counted<Counter>>()
  #keys = 0

  /**
   * The first limit that a request does not pass; the request is counted.
   * @param counts what a request that is rejected counts for; undefined: for nothing, but the rates of HAProxy
   */
  rejecting(
    limits: readonly AppliedLimit[],
    request: CountedRequest,
    counts: CountsWhat,
  ): AppliedLimit | null {
    this.#isUncounted = false
    const rejecting = this.#counted(limits, request, counts)
    if (this.#isUncounted) this.uncounted++
    return rejecting
  }

  #counted(
    limits: readonly AppliedLimit[],
    request: CountedRequest,
    counts: CountsWhat,
  ): AppliedLimit | null {
    const taken: (Slot<Counter> & { readonly limit: AppliedLimit })[] = []
    const now = request.timeMs
    let rejecting: AppliedLimit | null = null
    for (const limit of limits) {
      const { counting, key } = limit
      if (counting.kind === 'counted') this.#count(counting, key, now)
      else if (counting.kind === 'rates') {
        if (counting.rates.every((rate) => this.#holds(rate, now))) return limit
      } else {
        const found = this.#slotIn(this.#counter(limit.name, counting, now), key)
        if (found === null) continue
        const { counter, slot } = found
        const allows = counter.allows(slot, request, limit)
        if (!allows) rejecting ??= limit
        if (!allows && counts === 'until-rejected') return limit
        if (counts === undefined) taken.push({ counter, slot, limit })
        else counter.take(slot, request, limit)
      }
    }
    if (rejecting === null) for (const { counter, slot, limit } of taken) counter.take(slot, request, limit)
    return rejecting
  }

  #count(counting: Extract<Counting, { kind: 'counted' }>, key: string, now: number): void {
    const found = this.#rates(counting, key)
    found?.counter.count(found.slot, now)
  }

  #holds(rate: ComparedRate, now: number): boolean {
    const found = this.#rates(rate, rate.key)
    return found !== null && found.counter.rate(found.slot, now) > rate.limit === rate.isOver
  }

  #rates(
    { table, windowMs, expireMs }: { table: string; windowMs: number; expireMs: number },
    key: string,
  ): Slot<SlidingRates> | null {
    return this.#slotIn(
      this.#find(`rates ${table}`, () => new SlidingRates({ windowMs, expireMs })),
      key,
    )
  }

  #counter(name: string, counting: CounterKind, now: number): Counted<Counter> | null {
    const known = this.#known.get(counting)
    if (known) return known
    const found = this.#find(idOf(name, counting), () => counterOf(counting, now))
    if (found) this.#known.set(counting, found)
    return found
  }

  #find<T extends Counter | SlidingRates>(id: string, make: () => T): Counted<T> | null {
    const known = this.#counters.get(id) as Counted<T> | undefined
    if (known) return known
    if (this.#counters.size >= MAX_COUNTERS) return null
    const counted = { slots: new Map<string, number>(), counter: make() }
    this.#counters.set(id, counted)
    return counted
  }

  #slotIn<T>(counted: Counted<T> | null, key: string): Slot<T> | null {
    const known = counted?.slots.get(key)
    if (counted !== null && known !== undefined) return { counter: counted.counter, slot: known }
    if (counted === null || this.#keys >= MAX_KEYS) {
      this.#isUncounted = true
      return null
    }
    this.#keys++
    counted.slots.set(key, counted.slots.size)
    return { counter: counted.counter, slot: counted.slots.size - 1 }
  }
}

/** The kinds with a counter of their own. */
type CounterKind = Exclude<Counting, { kind: 'counted' | 'rates' }>

/** Limits with the same text share a counter. */
function idOf(name: string, counting: CounterKind): string {
  if (counting.kind === 'leaky') return `zone ${counting.zone}`
  const burst = counting.kind === 'bucket' ? counting.burst : 0
  return `${counting.kind} ${counting.limit} ${burst} ${counting.windowMs} ${name}`
}

function counterOf(counting: CounterKind, now: number): Counter {
  switch (counting.kind) {
    case 'leaky': {
      const buckets = new LeakyBuckets(counting.milliRate)
      // Limits of one zone have bursts of their own.
      const burstOf = ({ counting: each }: AppliedLimit) => (each.kind === 'leaky' ? each.burst : 0)
      return {
        allows: (slot, { timeMs }, limit) => buckets.allows(slot, timeMs, burstOf(limit)),
        take: (slot, { timeMs }) => buckets.take(slot, timeMs),
      }
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
        allows: (slot, { timeMs, path }) => paths.allows(slot, timeMs, hashOf(path)),
        take: (slot, { timeMs, path }) => paths.take(slot, timeMs, hashOf(path)),
      }
    }
    default: {
      const counter =
        counting.kind === 'bucket' ? new TokenBuckets(counting, now) : new FixedWindows(counting)
      return {
        allows: (slot, { timeMs }, { cost = 1 }) => counter.allows(slot, timeMs, cost),
        take: (slot, { timeMs }, { cost = 1 }) => counter.take(slot, timeMs, cost),
      }
    }
  }
}

const hashes = { path: 0, target: 0 }
let hashed: string | null = null

/** The last one is kept: a request is first judged and then counted. @param path one character for each byte */
function hashOf(path: string): number {
  if (path === hashed) return hashes.path
  hashed = path
  const bytes = Buffer.from(path, 'latin1')
  hashPath(bytes, 0, bytes.length, hashes)
  return hashes.path
}
