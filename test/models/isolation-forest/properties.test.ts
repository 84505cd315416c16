import t from 'tap'
import fc from '../../properties.js'
import {
  anomalyScores,
  fitIsolationForest,
  forestFromState,
  forestToState,
  type IsolationForest,
} from '../../../models/index.js'
import { createRandom } from '../../../models/statistics/random.js'

interface Case {
  readonly samples: Float64Array
  readonly nSamples: number
  readonly nFeatures: number
  readonly seed: number
}

/** Small integers, so that ties and constant features are common, or any numbers up to 1e6. */
const value = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ min: -1e6, max: 1e6, noNaN: true }))

const cases: fc.Arbitrary<Case> = fc
  .record({ nSamples: fc.integer({ min: 1, max: 60 }), nFeatures: fc.integer({ min: 1, max: 10 }) })
  .chain(({ nSamples, nFeatures }) =>
    fc.record({
      samples: fc
        .array(value, { minLength: nSamples * nFeatures, maxLength: nSamples * nFeatures })
        .map((values) => Float64Array.from(values)),
      nSamples: fc.constant(nSamples),
      nFeatures: fc.constant(nFeatures),
      seed: fc.integer(),
    }),
  )

const settings = { seed: 20, numRuns: 150 }
const fit = ({ samples, ...options }: Case): IsolationForest =>
  fitIsolationForest(samples, { ...options, nEstimators: 12, maxSamples: 32 })

t.test('scores lie above 0 and not above 1', async (t) => {
  fc.assert(
    fc.property(cases, (example) =>
      anomalyScores(fit(example), example.samples).every((score) => score > 0 && score <= 1),
    ),
    settings,
  )
  t.pass()
})

t.test('the order of the rows scored changes nothing but the order of the scores', async (t) => {
  fc.assert(
    fc.property(cases, (example) => {
      const { nSamples, nFeatures, samples, seed } = example
      const forest = fit(example)
      const random = createRandom(seed)
      const order = Array.from({ length: nSamples }, (_, row) => ({ row, key: random.uniform() }))
        .sort((a, b) => a.key - b.key)
        .map(({ row }) => row)
      const shuffled = Float64Array.from(
        order.flatMap((row) => [...samples.subarray(row * nFeatures, (row + 1) * nFeatures)]),
      )
      const scores = anomalyScores(forest, samples)
      const expected = order.map((row) => scores[row]!)
      return anomalyScores(forest, shuffled).every((score, i) => score === expected[i])
    }),
    settings,
  )
  t.pass()
})

t.test(
  'the unit of measurement does not matter: powers of two times all samples give equal scores',
  async (t) => {
    fc.assert(
      fc.property(cases, fc.integer({ min: -20, max: 20 }), (example, exponent) => {
        // Rounded first: the product of a float32 and a power of two is exact, short of its limits.
        const samples = example.samples.map((sample) => (Math.abs(sample) < 1e-6 ? 0 : Math.fround(sample)))
        const scaled = samples.map((sample) => sample * 2 ** exponent)
        const scores = anomalyScores(fit({ ...example, samples }), samples)
        return anomalyScores(fit({ ...example, samples: scaled }), scaled).every(
          (score, i) => score === scores[i],
        )
      }),
      settings,
    )
    t.pass()
  },
)

t.test('a saved forest comes back and gives equal scores', async (t) => {
  fc.assert(
    fc.property(cases, (example) => {
      const forest = fit(example)
      const restored = forestFromState(JSON.parse(JSON.stringify(forestToState(forest))))
      const scores = anomalyScores(forest, example.samples)
      return anomalyScores(restored, example.samples).every((score, i) => score === scores[i])
    }),
    settings,
  )
  t.pass()
})
