import t from 'tap'
import fc from '../../../properties.js'
import { DailyCurve } from '../../../../models/rate-limit/endpoints/daily-curve.js'
import { TokenBuckets } from '../../../../models/rate-limit/replay/token-bucket.js'

t.test('the bucket of a day’s depth rejects nothing, and one token less does', async () => {
  const times = fc.array(fc.integer({ min: 0, max: 86_399_999 }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(times, fc.integer({ min: 1, max: 100 }), (given, limit) => {
      const sorted = given.toSorted((a, b) => a - b)
      const curve = new DailyCurve([limit])
      for (const time of sorted) curve.add(time)
      const burst = curve.points()[0]!.burst
      const rejects = (depth: number) => {
        const bucket = new TokenBuckets({ limit, burst: depth, windowMs: 60_000 }, 0)
        return sorted.some((time) => !bucket.take(0, time))
      }
      return !rejects(burst) && (burst === 1 || rejects(burst - 1))
    }),
  )
})

t.test('a flood on one of ten days and more does not rule the burst', async (t) => {
  const curve = new DailyCurve([60])
  for (let day = 0; day < 21; day++) {
    for (let i = 0; i < (day === 3 ? 5000 : 5); i++) curve.add(day * 86_400_000)
  }
  t.same(curve.points(), [{ limit: 60, burst: 5 }])
})
