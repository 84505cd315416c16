import fc from 'fast-check'
import t from 'tap'
import { createBuckets } from '../../../plugins/http/rate-limit/buckets.js'

t.test('a bucket gives what the limit says, and refills within a minute', async (t) => {
  const buckets = createBuckets(3, 10)
  t.match(buckets.take('a', 0), { isAllowed: true, remaining: 2, retryAfterSec: 0, fullAfterSec: 20 })
  t.match(buckets.take('a', 0), { isAllowed: true, remaining: 1, fullAfterSec: 40 })
  t.match(buckets.take('a', 0), { isAllowed: true, remaining: 0, fullAfterSec: 60 })
  t.match(buckets.take('a', 0), { isAllowed: false, remaining: 0, retryAfterSec: 20, fullAfterSec: 60 })
  t.match(buckets.take('a', 15_000), { isAllowed: false, retryAfterSec: 5 })
  t.match(buckets.take('b', 0), { isAllowed: true, remaining: 2 })
  t.match(buckets.take('a', 20_000), { isAllowed: true, remaining: 0 })
  t.match(buckets.take('a', 100_000), { isAllowed: true, remaining: 2 })
})

t.test('the bucket that was not used for longest is forgotten', async (t) => {
  const buckets = createBuckets(1, 2)
  for (const key of ['a', 'b', 'a', 'c']) buckets.take(key, 0)
  t.notOk(buckets.take('a', 0).isAllowed)
  t.notOk(buckets.take('c', 0).isAllowed)
  t.ok(buckets.take('b', 0).isAllowed)
})

t.test('in no minute more than twice the limit is allowed, and who waits as told is allowed', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 200 }),
      (limit, pauses) => {
        const buckets = createBuckets(limit, 5)
        const allowed: number[] = []
        let nowMs = 0
        for (const pause of pauses) {
          nowMs += pause
          const token = buckets.take('a', nowMs)
          if (!token.isAllowed) {
            nowMs += 1000 * token.retryAfterSec
            if (!buckets.take('a', nowMs).isAllowed) return false
          }
          allowed.push(nowMs)
        }
        return allowed.every(
          (from) => allowed.filter((at) => at >= from && at < from + 60_000).length <= 2 * limit,
        )
      },
    ),
  )
})
