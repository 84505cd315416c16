import t from 'tap'
import fc from '../properties.js'
import { MAX_MS, LatencyHistogram } from './core.js'

const latency = fc.double({ min: 0.01, max: MAX_MS, noNaN: true })

t.test('quantiles are within 1 % of the latency at their rank, the mean is exact', async () => {
  fc.assert(
    fc.property(
      fc.array(latency, { minLength: 1, maxLength: 300 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (values, q) => {
        const histogram = new LatencyHistogram()
        for (const value of values) histogram.add(value)
        const sorted = values.toSorted((a, b) => a - b)
        const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1]!
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length
        return (
          Math.abs(histogram.quantile(q) / exact - 1) <= 0.01 && Math.abs(histogram.meanMs / mean - 1) < 1e-9
        )
      },
    ),
  )
})

t.test('what is longer than the histogram counts as its end; what is no latency counts as 0', async (t) => {
  const histogram = new LatencyHistogram()
  for (const value of [MAX_MS * 3, Infinity]) histogram.add(value)
  t.equal(histogram.quantile(0.5), MAX_MS)
  t.equal(histogram.meanMs, MAX_MS)
  histogram.clear()
  for (const value of [0, -1, NaN]) histogram.add(value)
  t.equal(histogram.quantile(0.99), 0)
  t.equal(histogram.meanMs, 0)
})

t.test('an empty one has 0 for everything, a cleared one is empty', async (t) => {
  const histogram = new LatencyHistogram()
  histogram.add(12)
  t.equal(histogram.quantile(0.95), 12, 'a single latency is told exactly')
  histogram.clear()
  t.match([histogram.count, histogram.meanMs, histogram.quantile(0.99)], [0, 0, 0])
})
