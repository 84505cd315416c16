import { isFailure } from '../../traffic/failure-status.js'
import { DistinctWindows } from './distinct-windows.js'
import { FixedWindows } from './fixed-window.js'
import type { LimitRule } from './limit-rule.js'
import { TokenBuckets } from './token-bucket.js'

/** A limit over another time: windows of the clock. */
interface OtherWindow {
  readonly limit: number
  readonly windowMs: number
}

/** A limit, with all that belongs to it. A request must pass all parts. */
export interface ReplayRule extends LimitRule {
  readonly longWindow?: OtherWindow
  readonly dayWindow?: OtherWindow
  /** Responses 401, 403 and 404 in a window: who has had so many is rejected until it ends. */
  readonly failures?: OtherWindow
  /** Different paths in a window. */
  readonly distinctPaths?: OtherWindow
  /** By the name of the client: limits of its own, instead of all others, in the same window. */
  readonly exceptions?: ReadonlyMap<string, Pick<LimitRule, 'limit' | 'burst'>>
}

/** The parts of a rule, in the order in which they are asked. */
export const RULE_PARTS = ['failures', 'longWindow', 'dayWindow', 'limit', 'distinctPaths'] as const
export type RulePart = (typeof RULE_PARTS)[number]

export type Algorithm = 'token_bucket' | 'fixed_window'

/** What the parts of a rule look at. */
export interface ReplayedRequest {
  timeMs: number
  /** HTTP status of the response; 0 where it is not known. */
  status: number
  /** Hash of the path. */
  path: number
  /** What the request counts as: 1, or its cost; a whole number. */
  cost: number
}

interface Limiter {
  take(client: number, timeMs: number, cost: number): boolean
  allows(client: number, timeMs: number, cost: number): boolean
}

/** The limiters of a rule: its bucket or window, those over other times, and those of its exceptions. */
export class RuleLimiter {
  readonly #rule: ReplayRule
  readonly #limiter: Limiter
  readonly #windows: readonly { readonly part: RulePart; readonly windows: FixedWindows }[]
  readonly #failures: FixedWindows | null
  readonly #paths: DistinctWindows | null
  readonly #isPlain: boolean
  readonly #own = new Map<number, Limiter>()
  readonly #algorithm: Algorithm
  readonly #originMs: number

  /** @throws RangeError when the rule holds anything but whole numbers from 1 */
  constructor(rule: ReplayRule, algorithm: Algorithm, originMs: number) {
    this.#rule = rule
    this.#algorithm = algorithm
    this.#originMs = originMs
    this.#limiter = this.#make(rule)
    this.#windows = (['longWindow', 'dayWindow'] as const).flatMap((part) => {
      const window = rule[part]
      return window ? [{ part, windows: new FixedWindows(window) }] : []
    })
    this.#failures = rule.failures ? new FixedWindows(rule.failures) : null
    this.#paths = rule.distinctPaths ? new DistinctWindows(rule.distinctPaths) : null
    this.#isPlain = this.#windows.length === 0 && !this.#failures && !this.#paths
  }

  /** Gives a client its own limit, if the rule has one for its name. */
  meet(client: number, name: string): void {
    const exception = this.#rule.exceptions?.get(name)
    if (exception) this.#own.set(client, this.#make({ ...exception, windowMs: this.#rule.windowMs }))
  }

  /**
   * The part that a request does not pass; null where it passes all. Counts nothing.
   * @param slot the client's number among those of this rule
   */
  check(slot: number, client: number, { timeMs, path, cost }: ReplayedRequest): RulePart | null {
    const own = this.#ownOf(client)
    if (own) return own.allows(0, timeMs, cost) ? null : 'limit'
    if (this.#failures?.allows(slot, timeMs) === false) return 'failures'
    for (const { part, windows } of this.#windows) if (!windows.allows(slot, timeMs, cost)) return part
    if (!this.#limiter.allows(slot, timeMs, cost)) return 'limit'
    return this.#paths?.allows(slot, timeMs, path) === false ? 'distinctPaths' : null
  }

  /** Counts a request that passes, and its response. */
  take(slot: number, client: number, { timeMs, status, path, cost }: ReplayedRequest): void {
    const own = this.#ownOf(client)
    if (own) {
      own.take(0, timeMs, cost)
      return
    }
    for (const { windows } of this.#windows) windows.take(slot, timeMs, cost)
    this.#limiter.take(slot, timeMs, cost)
    this.#paths?.take(slot, timeMs, path)
    if (isFailure(status)) this.#failures?.take(slot, timeMs)
  }

  /** Both in one: counts the request if it passes. */
  checkAndTake(slot: number, client: number, request: ReplayedRequest): RulePart | null {
    if (this.#isPlain && this.#own.size === 0) {
      return this.#limiter.take(slot, request.timeMs, request.cost) ? null : 'limit'
    }
    const part = this.check(slot, client, request)
    if (part === null) this.take(slot, client, request)
    return part
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

/** The parts that a rule has. */
export function partsOf(rule: ReplayRule): RulePart[] {
  return RULE_PARTS.filter((part) => rule[part] !== undefined)
}
