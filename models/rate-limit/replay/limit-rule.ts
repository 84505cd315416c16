/** What a limiter lets one client do. */
export interface LimitRule {
  /** Requests per window, a whole number from 1. */
  readonly limit: number
  /** Requests at once from a full bucket, a whole number from 1. */
  readonly burst: number
  /** Milliseconds, a whole number from 1. */
  readonly windowMs: number
}

/** @throws RangeError naming the first field that is not a whole number from 1 */
export function checkRule(rule: Partial<LimitRule>): void {
  for (const [name, value] of Object.entries(rule)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`${name} must be a whole number from 1, not ${value}.`)
    }
  }
}

/** What a limiter would say of a request, without counting it. */
export interface LimitState {
  readonly allowed: boolean
  /** Requests that would pass now. */
  readonly remaining: number
  /** Milliseconds until one would pass, 0 when it would now. */
  readonly retryAfterMs: number
}
