import t from 'tap'
import fc from '../../properties.js'
import { LatencyHistogram, RELATIVE_ERROR } from '../../../models/statistics/latency-histogram.js'
import { quantile } from '../../../models/statistics/quantile.js'

const latency = fc.oneof(
  fc.integer({ min: 0, max: 5000 }),
  fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  fc.double({ min: 0, max: 1e9, noNaN: true }),
)
const latencies = fc.array(latency, { minLength: 1, maxLength: 200 })
const settings = { seed: 5, numRuns: 500 }

const of = (values: readonly number[]) =>
  values.reduce((histogram, value) => histogram.add(value), new LatencyHistogram())

t.test('the relative error is at most one percent', async (t) => {
  t.ok(RELATIVE_ERROR <= 0.01)
  fc.assert(
    fc.property(latencies, fc.double({ min: 0, max: 1, noNaN: true }), (values, p) => {
      const exact = quantile(values, p)
      return Math.abs(of(values).quantile(p)! - exact) <= exact * 0.01 + 1e-280
    }),
    settings,
  )
})

t.test('merging is adding, in whatever order, encoded or not', async (t) => {
  fc.assert(
    fc.property(latencies, latencies, (a, b) => {
      const whole = Buffer.from(of([...a, ...b]).encode())
      const merged = of(b).merge(of(a))
      const joined = LatencyHistogram.decode(Buffer.concat([of(a).encode(), of(b).encode()]))
      return whole.equals(merged.encode()) && whole.equals(joined.encode()) && merged.total === joined.total
    }),
    settings,
  )
  t.pass()
})

t.test('quantiles rise with p and lie within one percent of the ends', async (t) => {
  fc.assert(
    fc.property(latencies, (values) => {
      const histogram = of(values)
      const found = [0, 0.25, 0.5, 0.75, 0.95, 1].map((p) => histogram.quantile(p)!)
      return found.every((value, i) => i === 0 || value >= found[i - 1]!)
    }),
    settings,
  )
  t.pass()
})

t.test('zero is zero, nothing has no quantile, and what is no latency is refused', async (t) => {
  t.equal(of([0, 0, 0]).quantile(0.99), 0)
  t.equal(new LatencyHistogram().quantile(0.5), null)
  for (const value of [-1, NaN, Infinity]) t.throws(() => of([value]), RangeError)
  t.throws(() => LatencyHistogram.decode(new Uint8Array(7)), RangeError)
})

t.test('a bucket takes six bytes', async (t) => {
  t.same([...of([0, 0, 1, 100]).encode()], [128, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 0, 233, 0, 0, 0, 1])
})
