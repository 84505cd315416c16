import type { AppliedLimit, ComparedRate, Counting } from '../../formats/limit-files/read/limits.js'
import { FixedWindows } from '../../models/rate-limit/replay/fixed-window.js'
import { LeakyBuckets } from '../../models/rate-limit/replay/leaky-bucket.js'
import { SlidingRates } from '../../models/rate-limit/replay/sliding-rate.js'
import { TokenBuckets } from '../../models/rate-limit/replay/token-bucket.js'

/** Keys of all limits together, and limits with counters of their own. */
const MAX_KEYS = 1_000_000
const MAX_COUNTERS = 10_000

type Counter = TokenBuckets | FixedWindows | LeakyBuckets | SlidingRates

interface Counted<T extends Counter> {
  readonly slots: Map<string, number>
  readonly counter: T
}

/** A counter and the place of a key in it. */
interface Slot<T extends Counter> {
  readonly counter: T
  readonly slot: number
}

export type CountsWhat = 'each' | 'until-rejected' | undefined

/** The counters of all limits of a file, in memory that has an end. */
export class Counters {
  /** Requests that a limit could not count, as the table of keys was full. */
  uncounted = 0
  #isUncounted = false
  readonly #counters = new Map<string, Counted<Counter>>()
  /** The same by the limit itself: most files have one object for each limit. */
  readonly #known = new WeakMap<Counting, Counted<Counter>>()
  #keys = 0

  /**
   * The first limit that a request does not pass; the request is counted.
   * @param counts what a request that is rejected counts for; undefined: for nothing, but the rates of HAProxy
   */
  rejecting(limits: readonly AppliedLimit[], now: number, counts: CountsWhat): AppliedLimit | null {
    this.#isUncounted = false
    const rejecting = this.#counted(limits, now, counts)
    if (this.#isUncounted) this.uncounted++
    return rejecting
  }

  #counted(limits: readonly AppliedLimit[], now: number, counts: CountsWhat): AppliedLimit | null {
    const taken: { counter: TokenBuckets | FixedWindows | LeakyBuckets; slot: number }[] = []
    let rejecting: AppliedLimit | null = null
    for (const limit of limits) {
      const { counting, key } = limit
      if (counting.kind === 'counted') this.#count(counting, key, now)
      else if (counting.kind === 'rates') {
        if (counting.rates.every((rate) => this.#holds(rate, now))) return limit
      } else {
        const found = this.#slot(limit, now)
        if (found === null) continue
        const { counter, slot } = found
        const allows =
          counter instanceof LeakyBuckets
            ? counter.allows(slot, now, counting.kind === 'leaky' ? counting.burst : 0)
            : counter.allows(slot, now)
        if (!allows) rejecting ??= limit
        if (!allows && counts === 'until-rejected') return limit
        if (counts === undefined) taken.push(found)
        else counter.take(slot, now)
      }
    }
    if (rejecting === null) for (const { counter, slot } of taken) counter.take(slot, now)
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

  #slot(
    { name, key, counting }: AppliedLimit,
    now: number,
  ): Slot<TokenBuckets | FixedWindows | LeakyBuckets> | null {
    const known = this.#known.get(counting) as Counted<TokenBuckets | FixedWindows | LeakyBuckets> | undefined
    if (known) return this.#slotIn(known, key)
    const found = this.#limiter(name, counting, now)
    if (found) this.#known.set(counting, found)
    return this.#slotIn(found, key)
  }

  #limiter(
    name: string,
    counting: Counting,
    now: number,
  ): Counted<TokenBuckets | FixedWindows | LeakyBuckets> | null {
    if (counting.kind === 'leaky')
      return this.#find(`zone ${counting.zone}`, () => new LeakyBuckets(counting.milliRate))
    if (counting.kind === 'bucket') {
      const { limit, burst, windowMs } = counting
      return this.#find(`bucket ${limit} ${burst} ${windowMs} ${name}`, () => new TokenBuckets(counting, now))
    }
    if (counting.kind !== 'window') return null
    const { limit, windowMs } = counting
    return this.#find(`window ${limit} ${windowMs} ${name}`, () => new FixedWindows(counting))
  }

  #find<T extends Counter>(id: string, make: () => T): Counted<T> | null {
    const known = this.#counters.get(id) as Counted<T> | undefined
    if (known) return known
    if (this.#counters.size >= MAX_COUNTERS) return null
    const counted = { slots: new Map<string, number>(), counter: make() }
    this.#counters.set(id, counted)
    return counted
  }

  #slotIn<T extends Counter>(counted: Counted<T> | null, key: string): Slot<T> | null {
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
