import t from 'tap'
import { createKernelEngine, referenceScores, type IsolationForest } from '../../../models/index.js'
import { compactForest } from '../../../models/scoring/compact-forest.js'
import { firstDifference, forests, hardRows } from './forests.js'

const sizes = [0, 1, 2, 7, 8, 9, 255, 256, 257, 1000, 5000]

for (const { name, forest } of forests()) {
  t.test(`${name}: batches of every size score as the reference does, bit for bit`, async (t) => {
    const engine = createKernelEngine(forest)
    t.match(engine, { name: 'kernel', backend: 'javascript' })
    const rows = hardRows(forest, 5000, 6)
    const expected = referenceScores(forest, rows)
    for (const size of sizes) {
      const scores = engine.score(rows.subarray(0, size * forest.nFeatures))
      t.equal(firstDifference(scores, expected.subarray(0, size)), -1, `${size} rows`)
    }
    engine.dispose()
  })
}

t.test('a score does not depend on the rows scored before', async (t) => {
  const { forest } = forests()[2]!
  const engine = createKernelEngine(forest)
  const rows = hardRows(forest, 300, 7)
  const expected = referenceScores(forest, rows)
  engine.score(hardRows(forest, 300, 8))
  const oneByOne = Float64Array.from(
    expected,
    (_, row) => engine.score(rows.subarray(row * 5, row * 5 + 5))[0]!,
  )
  t.equal(firstDifference(oneByOne, expected), -1)
})

t.test('forests of more nodes than can be packed are scored the other way', async (t) => {
  for (const [nNodes, packed] of [
    [2 ** 21 - 1, true],
    [2 ** 21, false],
  ] as const) {
    const forest = spreadForest(nNodes)
    t.equal(compactForest(forest).column === undefined, packed, `${nNodes} nodes`)
    const rows = hardRows(forest, 20, 3)
    const expected = referenceScores(forest, rows)
    t.ok(new Set(expected).size === 2, 'both leaves are reached')
    const engine = createKernelEngine(forest)
    t.equal(firstDifference(engine.score(rows), expected), -1)
    t.equal(firstDifference(engine.score(rows.subarray(0, 16)), expected.subarray(0, 2)), -1)
  }
})

t.test('NaN, and values that make no whole rows, are errors', async (t) => {
  const { forest } = forests()[2]!
  const engine = createKernelEngine(forest)
  const rows = hardRows(forest, 300, 7)
  rows[1234] = NaN
  const nan = { name: 'RangeError', message: 'samples[1234] is NaN: every sample must be a number' }
  const shape = { name: 'RangeError', message: 'samples has 7 values: it must be rows of 5 features' }
  for (const score of [engine.score, (samples: Float64Array) => referenceScores(forest, samples)]) {
    t.throws(() => score(rows), nan)
    t.throws(() => score(Float64Array.of(1, 2, 3, 4, NaN)), { name: 'RangeError' })
    t.throws(() => score(new Float64Array(7)), shape)
  }
})

/** One tree whose only split has its leaves at the end of very many nodes. */
function spreadForest(nNodes: number): IsolationForest {
  const left = Int32Array.from({ length: nNodes }, (_, node) => node)
  const threshold = new Float32Array(nNodes).fill(Infinity)
  const pathLength = new Float32Array(nNodes).fill(1)
  const feature = new Int32Array(nNodes)
  left[0] = nNodes - 2
  threshold[0] = 0
  feature[0] = 7
  pathLength[0] = 0
  pathLength[nNodes - 1] = 2
  const shape = { nFeatures: 8, nEstimators: 1, maxSamples: 256, height: 1, roots: new Int32Array(1) }
  return { ...shape, left, feature, threshold, pathLength }
}
