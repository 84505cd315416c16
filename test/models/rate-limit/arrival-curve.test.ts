import t from 'tap'
import fc from '../../properties.js'
import { ArrivalCurves } from '../../../models/rate-limit/arrival-curve.js'
import { TokenBuckets } from '../../../models/rate-limit/replay/token-bucket.js'

const arrivals = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 5000 })), {
    minLength: 1,
    maxLength: 120,
  })
  .map((gaps) => {
    let timeMs = 0
    return gaps.map((gap) => (timeMs += gap))
  })
const limit = fc.integer({ min: 1, max: 100_000 })
const windowMs = fc.constantFrom(1000, 60_000, 3_600_000)

/** σ × windowMs by trying every pair of arrivals. */
function bruteForce(times: readonly number[], limit: number, windowMs: number): number {
  let largest = 0
  for (let i = 0; i < times.length; i++) {
    for (let j = i; j < times.length; j++) {
      largest = Math.max(largest, (j - i + 1) * windowMs - limit * (times[j]! - times[i]!))
    }
  }
  return largest
}

function curvesOf(times: readonly number[], limits: number[], windowMs: number): ArrivalCurves {
  const curves = new ArrivalCurves(limits, windowMs)
  for (const timeMs of times) curves.add(0, timeMs)
  return curves
}

t.test('the one pass equals a search over all pairs of arrivals, exactly', async () => {
  fc.assert(
    fc.property(
      arrivals,
      fc.array(limit, { minLength: 1, maxLength: 4 }),
      windowMs,
      (times, limits, windowMs) => {
        const curves = curvesOf(times, limits, windowMs)
        return limits.every(
          (limit, k) => curves.sigma(0, k) === bruteForce(times, limit, windowMs) / windowMs,
        )
      },
    ),
    { numRuns: 500 },
  )
})

t.test('a full bucket of that depth rejects nothing, and one token less rejects something', async () => {
  fc.assert(
    fc.property(arrivals, limit, windowMs, (times, limit, windowMs) => {
      const burst = curvesOf(times, [limit], windowMs).depth(0, 0)
      const passes = (burst: number): boolean => {
        const bucket = new TokenBuckets({ limit, burst, windowMs }, 0)
        return times.every((timeMs) => bucket.take(0, timeMs))
      }
      return passes(burst) && (burst === 1 || !passes(burst - 1))
    }),
    { numRuns: 500 },
  )
})

t.test('the depth falls as the rate rises and does not depend on when the history began', async () => {
  fc.assert(
    fc.property(arrivals, limit, fc.integer({ min: 0, max: 2 ** 41 }), (times, limit, originMs) => {
      const shifted = curvesOf(
        times.map((timeMs) => originMs + timeMs),
        [limit, 2 * limit],
        60_000,
      )
      const plain = curvesOf(times, [limit], 60_000)
      return shifted.sigma(0, 0) === plain.sigma(0, 0) && shifted.sigma(0, 1) <= shifted.sigma(0, 0)
    }),
  )
})

t.test('clients are kept apart, however they are mixed', async (t) => {
  const curves = new ArrivalCurves([60], 60_000)
  for (const timeMs of [0, 0, 500, 1000]) {
    curves.add(2, timeMs)
    if (timeMs === 0) curves.add(3000, timeMs)
  }
  t.equal(curves.sigma(2, 0), 3)
  t.equal(curves.sigma(3000, 0), 2)
  t.equal(curves.sigma(1, 0), 0, 'no request')
  t.equal(curves.sigma(9999, 0), 0, 'never seen')
  t.equal(curves.nClients, 3001)
})

t.test('rates that are no whole numbers from 1 are refused', async (t) => {
  t.throws(() => new ArrivalCurves([], 1000), RangeError)
  t.throws(() => new ArrivalCurves([10, 0], 1000), RangeError)
})
