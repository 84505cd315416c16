import { FixedWindows } from './fixed-window.js'
import type { LimitRule } from './limit-rule.js'
import { TokenBuckets } from './token-bucket.js'

/** A second or third limit over a longer time: windows of the clock. */
interface LongerWindow {
  readonly limit: number
  readonly windowMs: number
}

/** A limit, with all that belongs to it. A request must pass the limit and both windows. */
export interface ReplayRule extends LimitRule {
  readonly longWindow?: LongerWindow
  readonly dayWindow?: LongerWindow
  /** By the name of the client: limits of its own, instead of all others, in the same window. */
  readonly exceptions?: ReadonlyMap<string, Pick<LimitRule, 'limit' | 'burst'>>
}

export type Algorithm = 'token_bucket' | 'fixed_window'
export type Verdict = 'passes' | 'limited' | 'window'

interface Limiter {
  take(client: number, timeMs: number): boolean
  allows(client: number, timeMs: number): boolean
}

/** The limiters of a rule: its bucket or window, its longer windows, and those of its exceptions. */
export class RuleLimiter {
  readonly #rule: ReplayRule
  readonly #limiter: Limiter
  readonly #windows: readonly FixedWindows[]
  readonly #own = new Map<number, Limiter>()
  readonly #algorithm: Algorithm
  readonly #originMs: number

  /** @throws RangeError when the rule holds anything but whole numbers from 1 */
  constructor(rule: ReplayRule, algorithm: Algorithm, originMs: number) {
    this.#rule = rule
    this.#algorithm = algorithm
    this.#originMs = originMs
    this.#limiter = this.#make(rule)
    this.#windows = [rule.longWindow, rule.dayWindow].flatMap((window) =>
      window ? [new FixedWindows(window)] : [],
    )
  }

  /** Gives a client its own limit, if the rule has one for its name. */
  meet(client: number, name: string): void {
    const exception = this.#rule.exceptions?.get(name)
    if (exception) this.#own.set(client, this.#make({ ...exception, windowMs: this.#rule.windowMs }))
  }

  /**
   * How a request would fare; changes nothing. The longer windows are asked first.
   * @param slot the client's number among those of this rule
   */
  check(slot: number, client: number, timeMs: number): Verdict {
    const own = this.#ownOf(client)
    if (own) return own.allows(0, timeMs) ? 'passes' : 'limited'
    for (const window of this.#windows) if (!window.allows(slot, timeMs)) return 'window'
    return this.#limiter.allows(slot, timeMs) ? 'passes' : 'limited'
  }

  /** Counts a request that passes. */
  take(slot: number, client: number, timeMs: number): void {
    const own = this.#ownOf(client)
    if (own) {
      own.take(0, timeMs)
      return
    }
    for (const window of this.#windows) window.take(slot, timeMs)
    this.#limiter.take(slot, timeMs)
  }

  /** Both in one: counts the request if it passes. */
  checkAndTake(slot: number, client: number, timeMs: number): Verdict {
    if (this.#windows.length === 0 && this.#own.size === 0) {
      return this.#limiter.take(slot, timeMs) ? 'passes' : 'limited'
    }
    const verdict = this.check(slot, client, timeMs)
    if (verdict === 'passes') this.take(slot, client, timeMs)
    return verdict
  }

  #ownOf(client: number): Limiter | undefined {
    return this.#own.size > 0 ? this.#own.get(client) : undefined
  }

  #make(rule: LimitRule): Limiter {
    return this.#algorithm === 'token_bucket'
      ? new TokenBuckets(rule, this.#originMs)
      : new FixedWindows(rule)
  }
}
