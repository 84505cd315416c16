import t from 'tap'
import fc from 'fast-check'
import { fitExpectation, robustDeviation, valueAt } from '../../../models/anomaly/expectation.js'
import { createRandom } from '../../../models/statistics/random.js'

const normal = (mean: number, std: number) => {
  const random = createRandom(1)
  return Float64Array.from({ length: 5000 }, () => mean + std * random.normal())
}

t.test('the scale of normal values is their standard deviation', async (t) => {
  const { value, up } = fitExpectation('avg_latency_ms', normal(100, 20))
  t.ok(Math.abs(value - 100) < 1, `${value}`)
  t.ok(Math.abs(up - 20) < 1, `${up}`)
})

t.test('a tenth of incidents hardly moves the expectation', async (t) => {
  const values = normal(100, 20).map((value, index) => (index % 10 === 0 ? 5000 : value))
  const { value, up } = fitExpectation('avg_latency_ms', values)
  t.ok(Math.abs(value - 100) < 5, `${value}`)
  t.ok(up < 70, `${up}`)
})

t.test('a constant history still has a scale', async (t) => {
  for (const constant of [0, 0.01, 50, 1e6]) {
    const { value, up, down } = fitExpectation('requests_per_second', new Float64Array(100).fill(constant))
    t.equal(value, constant)
    t.ok(up > 0 && down > 0)
  }
})

t.test('deviations grow with the value and are zero at the usual one', async (t) => {
  const expectation = { value: 50, up: 5, down: 0.2 }
  t.equal(robustDeviation(50, expectation), 0)
  const values = fc.double({ min: 0, max: 1e9, noNaN: true })
  fc.assert(
    fc.property(values, values, (a, b) => {
      const [low, high] = a < b ? [a, b] : [b, a]
      return robustDeviation(low, expectation) <= robustDeviation(high, expectation)
    }),
  )
})

t.test('a value is as many deviations away as it was placed', async (t) => {
  const expectation = { value: 50, up: 5, down: 0.2 }
  for (const deviations of [-10, -3.5, -1, 0, 2, 3.5, 100]) {
    t.ok(Math.abs(robustDeviation(valueAt(deviations, expectation), expectation) - deviations) < 1e-9)
  }
})

t.test('where no error is usual, any rate of them is a rise', async (t) => {
  const expectation = fitExpectation('error_rate', new Float64Array(20))
  t.equal(robustDeviation(0, expectation), 0)
  t.ok(robustDeviation(0.1, expectation) >= 10)
})

t.test('what is 0 throughout was not recorded, and never matters', async (t) => {
  for (const feature of ['requests_per_second', 'avg_latency_ms', 'p99_latency_ms'] as const) {
    const expectation = fitExpectation(feature, new Float64Array(20))
    t.ok(Math.abs(robustDeviation(1e6, expectation)) < 1e-5)
  }
})
