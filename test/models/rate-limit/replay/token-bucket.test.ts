import t from 'tap'
import fc from '../../../properties.js'
import { TokenBuckets } from '../../../../models/rate-limit/replay/token-bucket.js'

/** The textbook bucket in fractions: tokens are a numerator over windowMs. */
class ExactBucket {
  readonly #depth: bigint
  #tokens: bigint
  #last = 0n

  constructor(
    readonly limit: bigint,
    burst: bigint,
    readonly windowMs: bigint,
  ) {
    this.#depth = burst * windowMs
    this.#tokens = this.#depth
  }

  take(now: bigint): boolean {
    const gained = this.#tokens + (now - this.#last) * this.limit
    this.#tokens = gained > this.#depth ? this.#depth : gained
    this.#last = now
    if (this.#tokens < this.windowMs) return false
    this.#tokens -= this.windowMs
    return true
  }
}

const rules = fc.record({
  limit: fc.integer({ min: 1, max: 10_000 }),
  burst: fc.integer({ min: 1, max: 1000 }),
  windowMs: fc.constantFrom(1, 7, 1000, 60_000, 3_600_000),
})
const gaps = fc.array(fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 100_000 })), {
  maxLength: 300,
})

t.test('it decides as the textbook bucket in exact fractions does', async () => {
  fc.assert(
    fc.property(rules, gaps, fc.integer({ min: 0, max: 2 ** 41 }), (rule, gaps, originMs) => {
      const buckets = new TokenBuckets(rule, originMs)
      const exact = new ExactBucket(BigInt(rule.limit), BigInt(rule.burst), BigInt(rule.windowMs))
      let timeMs = 0
      return gaps.every((gap) => {
        timeMs += gap
        return buckets.take(3, originMs + timeMs) === exact.take(BigInt(timeMs))
      })
    }),
    { numRuns: 500 },
  )
})

t.test('a peek foretells the take, says when to come again, and changes nothing', async () => {
  fc.assert(
    fc.property(rules, gaps, (rule, gaps) => {
      const peeked = new TokenBuckets(rule, 0)
      const plain = new TokenBuckets(rule, 0)
      let timeMs = 0
      return gaps.every((gap) => {
        timeMs += gap
        const { allowed, remaining, retryAfterMs } = peeked.peek(0, timeMs)
        const again = peeked.peek(0, timeMs + retryAfterMs).allowed
        const tooEarly = retryAfterMs > 0 && peeked.peek(0, timeMs + retryAfterMs - 1).allowed
        const read = peeked.allows(0, timeMs)
        const taken = peeked.take(0, timeMs)
        return (
          again &&
          !tooEarly &&
          allowed === taken &&
          read === taken &&
          allowed === remaining > 0 &&
          taken === plain.take(0, timeMs)
        )
      })
    }),
    { numRuns: 300 },
  )
})

t.test('a bucket starts full, refills evenly and each client has its own', async (t) => {
  const buckets = new TokenBuckets({ limit: 60, burst: 3, windowMs: 60_000 }, 0)
  const take = (client: number, timeMs: number, times: number): boolean[] =>
    Array.from({ length: times }, () => buckets.take(client, timeMs))
  t.same(take(0, 0, 4), [true, true, true, false])
  t.same(buckets.peek(0, 0), { allowed: false, remaining: 0, retryAfterMs: 1000 })
  t.same(take(0, 999, 1), [false])
  t.same(take(0, 1000, 2), [true, false])
  t.same(take(5000, 1000, 4), [true, true, true, false], 'a client far down the list')
  t.same(buckets.peek(70_000, 0), { allowed: true, remaining: 3, retryAfterMs: 0 }, 'one never seen')
  t.same(take(0, 10_000, 4), [true, true, true, false], 'no fuller than full')
})

t.test('a rule of anything but whole numbers from 1 is refused', async (t) => {
  for (const limit of [0, -1, 1.5, NaN, Infinity]) {
    t.throws(
      () => new TokenBuckets({ limit, burst: 1, windowMs: 1 }, 0),
      /limit must be a whole number from 1/,
    )
  }
  t.throws(() => new TokenBuckets({ limit: 1, burst: 0, windowMs: 1 }, 0), /burst/)
  t.throws(() => new TokenBuckets({ limit: 1, burst: 1, windowMs: 0 }, 0), /windowMs/)
})
