import t from 'tap'
import fc from '../../properties.js'
import { FEATURES } from '../../../models/anomaly/features.js'
import { effectOf, fromScale, requestsOf, samplingTerm, toScale } from '../../../models/anomaly/scales.js'
import { createRandom } from '../../../models/statistics/random.js'
import { binomial, poisson } from '../../../eval/detection/draws.js'

const valueOf = (feature: (typeof FEATURES)[number]) =>
  feature === 'error_rate'
    ? fc.double({ min: 0, max: 1, noNaN: true })
    : fc.oneof(fc.double({ min: 0, max: 1e12, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }))

for (const feature of FEATURES) {
  t.test(`${feature}: a value comes back from its scale`, async () => {
    fc.assert(
      fc.property(valueOf(feature), (value) => {
        const back = fromScale(feature, toScale(feature, value))
        return Math.abs(back - value) <= 1e-9 * Math.max(1, value)
      }),
    )
  })

  t.test(`${feature}: a larger value lies higher, and the way back keeps the order`, async () => {
    fc.assert(
      fc.property(valueOf(feature), valueOf(feature), (a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a]
        return toScale(feature, low) <= toScale(feature, high)
      }),
    )
    const scaled = fc.double({ min: -20, max: 40, noNaN: true })
    fc.assert(
      fc.property(scaled, scaled, (a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a]
        return fromScale(feature, low) <= fromScale(feature, high) && fromScale(feature, low) >= 0
      }),
    )
  })

  t.test(`${feature}: zero, one and the largest numbers are finite`, async (t) => {
    for (const value of [-1, 0, 1, 1e12, 1e300, Number.MAX_VALUE]) {
      t.ok(Number.isFinite(toScale(feature, value)), `${value}`)
    }
    t.equal(toScale(feature, -1), toScale(feature, 0))
    t.equal(toScale(feature, Number.MAX_VALUE), toScale(feature, feature === 'error_rate' ? 1 : 1e12))
    t.ok(fromScale(feature, toScale(feature, 0)) < 1e-12)
    t.ok(Math.abs(fromScale(feature, toScale(feature, 1)) - 1) < 1e-12)
  })

  t.test(`${feature}: more requests add less`, async (t) => {
    const terms = [0, 0.1, 1, 2, 10, 1e3, 1e12].map((requests) => samplingTerm(feature, requests))
    t.ok(terms.every((term, i) => Number.isFinite(term) && term > 0 && (i === 0 || term <= terms[i - 1]!)))
    t.ok(terms.at(-1)! < 1e-11)
  })
}

t.test('an error rate lies between 0 and 1, whatever is asked of its scale', async (t) => {
  t.equal(fromScale('error_rate', -3), 0)
  t.equal(fromScale('error_rate', 3), 1)
})

t.test('a count of a short interval has the scale of a minute', async (t) => {
  const minute = toScale('requests_per_second', 50)
  t.ok(Math.abs(toScale('requests_per_second', 50, 10) - minute) < 1e-3)
  t.ok(toScale('requests_per_second', 0, 10) > toScale('requests_per_second', 0, 60))
})

t.test('the spread of counts and shares on their scale is what the sampling term says', async (t) => {
  const random = createRandom(5)
  const sdOf = (draw: () => number) => {
    const drawn = Float64Array.from({ length: 5000 }, draw)
    const mean = drawn.reduce((sum, each) => sum + each / drawn.length, 0)
    return Math.sqrt(drawn.reduce((sum, each) => sum + (each - mean) ** 2 / drawn.length, 0))
  }
  for (const mean of [20, 100, 5000]) {
    const sd = sdOf(() => toScale('requests_per_second', poisson(random, mean) / 60))
    const wanted = Math.sqrt(samplingTerm('requests_per_second', mean))
    t.ok(Math.abs(sd / wanted - 1) < 0.1, `${mean} requests: ${sd} and ${wanted}`)
  }
  for (const [n, share] of [
    [200, 0.05],
    [1000, 0.02],
    [1000, 0.4],
  ] as const) {
    const sd = sdOf(() => toScale('error_rate', binomial(random, n, share) / n))
    const wanted = Math.sqrt(samplingTerm('error_rate', n))
    t.ok(Math.abs(sd / wanted - 1) < 0.1, `${share} of ${n}: ${sd} and ${wanted}`)
  }
})

t.test('effects are logarithms of ratios, and differences of error rates', async (t) => {
  const about = (found: number, wanted: number) => t.ok(Math.abs(found - wanted) < 1e-3, `${found}`)
  const effect = (feature: (typeof FEATURES)[number], value: number, expected: number) =>
    effectOf(feature, toScale(feature, value), toScale(feature, expected))
  about(effect('requests_per_second', 200, 100), Math.LN2)
  about(effect('p99_latency_ms', 100, 400), -2 * Math.LN2)
  about(effect('error_rate', 0.12, 0.02), 0.1)
  about(effect('error_rate', 0.02, 0.12), -0.1)
})

t.test('requests are counted as far as arithmetic with them stays finite', async (t) => {
  const interval = (requests: number) => ({
    ...{ requests_per_second: 1, avg_latency_ms: 1, p95_latency_ms: 1, p99_latency_ms: 1, error_rate: 0 },
    ...{ seconds: 60, requests },
  })
  t.equal(requestsOf(interval(7)), 7)
  t.equal(requestsOf(interval(-1)), 0)
  t.equal(requestsOf(interval(1e300)), 1e12)
})
