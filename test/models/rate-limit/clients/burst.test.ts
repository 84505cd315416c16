import t from 'tap'
import fc from '../../../properties.js'
import { ArrivalCurves } from '../../../../models/rate-limit/arrival-curve.js'
import { sigmaAt } from '../../../../models/rate-limit/clients/burst.js'
import { MINUTE_MS } from '../../../../models/traffic/durations.js'

function busiestMinute(times: readonly number[]): number {
  const counts = new Map<number, number>()
  for (const time of times) {
    const minute = Math.floor(time / MINUTE_MS)
    counts.set(minute, (counts.get(minute) ?? 0) + 1)
  }
  return Math.max(...counts.values())
}

t.test('between known rates a depth is never too low', async () => {
  const gaps = fc.array(fc.oneof(fc.nat(5), fc.nat(4000), fc.nat(90_000)), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(gaps, fc.integer({ min: 4, max: 47 }), (gaps, limit) => {
      let timeMs = 0
      const times = gaps.map((gap) => (timeMs += gap))
      const limits = [4, 12, 20, 48]
      const curves = new ArrivalCurves(limits, MINUTE_MS)
      const exact = new ArrivalCurves([limit], MINUTE_MS)
      for (const time of times) {
        curves.add(0, time)
        exact.add(0, time)
      }
      return sigmaAt({ limits, curves }, 0, busiestMinute(times), limit) >= exact.sigma(0, 0) - 1e-9
    }),
    { numRuns: 1000 },
  )
})

t.test('an even pace above the lower of two known rates takes no depth from it', async (t) => {
  const limits = [1314, 1971, 2957]
  const curves = new ArrivalCurves(limits, MINUTE_MS)
  for (let i = 0; i < 100_000; i++) curves.add(0, 24 * i)
  t.ok(sigmaAt({ limits, curves }, 0, 2500, 2900) < 120)
})
