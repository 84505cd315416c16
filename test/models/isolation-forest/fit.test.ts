import t from 'tap'
import {
  anomalyScores,
  averagePathLength,
  fitIsolationForest,
  forestToState,
  type FitOptions,
  type IsolationForest,
} from '../../../models/index.js'
import { maxNodes } from '../../../models/isolation-forest/forest.js'
import { normalSamples } from './samples.js'

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)
const nodesOf = (forest: IsolationForest, tree: number): number[] =>
  range(forest.roots[tree]!, forest.roots[tree + 1] ?? forest.left.length)
const isLeaf = (forest: IsolationForest, node: number): boolean => forest.left[node] === node

/** Leaf that a sample reaches, and the steps to it. */
function walk(forest: IsolationForest, root: number, sample: Float64Array): { leaf: number; depth: number } {
  let node = root
  let depth = 0
  for (; !isLeaf(forest, node); depth++) {
    const right = Math.fround(sample[forest.feature[node]!]!) > forest.threshold[node]!
    node = forest.left[node]! + (right ? 1 : 0)
  }
  return { leaf: node, depth }
}

t.test('the same seed gives the same forest, bit for bit, and another seed another', async (t) => {
  const samples = normalSamples(500, 4, 1)
  const fit = (seed: number): object =>
    forestToState(fitIsolationForest(samples, { nSamples: 500, nFeatures: 4, seed }))
  t.same(fit(7), fit(7))
  t.notSame(fit(7), fit(8))
})

t.test('defaults are 100 trees of 256 samples, at most eight steps high', async (t) => {
  const forest = fitIsolationForest(normalSamples(1000, 5, 1), { nSamples: 1000, nFeatures: 5, seed: 1 })
  t.equal(forest.nEstimators, 100)
  t.equal(forest.roots.length, 100)
  t.equal(forest.maxSamples, 256)
  t.equal(forest.height, 8)
})

t.test('a leaf holds its depth and c(samples in it), for every number of features', async (t) => {
  for (const nFeatures of [1, 5, 8, 9, 40]) {
    const nSamples = 100
    const samples = normalSamples(nSamples, nFeatures, nFeatures)
    // As many samples as maxSamples: every tree holds all of them, so the leaves can be counted again.
    const forest = fitIsolationForest(samples, {
      nSamples,
      nFeatures,
      nEstimators: 5,
      maxSamples: 100,
      seed: 3,
    })
    for (const [tree, root] of forest.roots.entries()) {
      const held = new Map<number, { count: number; depth: number }>()
      for (let row = 0; row < nSamples; row++) {
        const { leaf, depth } = walk(forest, root, samples.subarray(row * nFeatures, (row + 1) * nFeatures))
        held.set(leaf, { count: (held.get(leaf)?.count ?? 0) + 1, depth })
      }
      const leaves = nodesOf(forest, tree).filter((node) => isLeaf(forest, node))
      t.same(
        [...held.keys()].sort((a, b) => a - b),
        leaves,
        'every leaf holds a sample',
      )
      for (const [leaf, { count, depth }] of held) {
        t.equal(forest.pathLength[leaf], Math.fround(depth + averagePathLength(count)))
        t.equal(forest.threshold[leaf], Infinity)
        if (count > 1) t.equal(depth, 7, 'different samples are parted down to ceil(log2(100)) steps')
      }
    }
  }
})

t.test('every feature that is not constant is asked for about equally often at the roots', async (t) => {
  const samples = normalSamples(300, 4, 1).map((value, i) => (i % 4 === 2 ? 5 : value))
  const options = { nSamples: 300, nFeatures: 4, nEstimators: 3000, maxSamples: 2, seed: 2 }
  const forest = fitIsolationForest(samples, options)
  const asked = [0, 0, 0, 0]
  for (const root of forest.roots) asked[forest.feature[root]!]!++
  t.equal(asked[2], 0)
  // Binomial with p = 1/3: 120 is more than four standard deviations.
  for (const feature of [0, 1, 3]) t.ok(Math.abs(asked[feature]! - 1000) < 120, `${asked[feature]} of 3000`)
})

t.test('thresholds at the roots are uniform between the smallest and the largest sample', async (t) => {
  const options = { nSamples: 2, nFeatures: 1, nEstimators: 4000, seed: 5 }
  const { roots, threshold } = fitIsolationForest(Float64Array.of(10, 20), options)
  const quarters = [0, 0, 0, 0]
  for (const root of roots) quarters[Math.floor((threshold[root]! - 10) / 2.5)]!++
  for (const count of quarters) t.ok(Math.abs(count - 1000) < 120, `${count} of 4000`)
})

t.test('a threshold never leaves a side empty, not even between neighbouring float32', async (t) => {
  const neighbours = Float64Array.of(1, 1 + 2 ** -23)
  const forest = fitIsolationForest(neighbours, { nSamples: 2, nFeatures: 1, nEstimators: 50, seed: 5 })
  t.equal(forest.left.length, 150, 'a root and two leaves in each tree')
  for (const root of forest.roots) {
    t.equal(forest.threshold[root], 1)
    t.same([...forest.pathLength.subarray(root, root + 3)], [0, 1, 1])
  }
})

t.test('a subsample is drawn without replacement', async (t) => {
  const options = { nSamples: 64, nFeatures: 1, nEstimators: 50, maxSamples: 64, seed: 5 }
  const samples = Float64Array.from({ length: 64 }, (_, i) => (i < 63 ? 0 : 1))
  const forest = fitIsolationForest(samples, options)
  // With replacement the only different sample would be missing in a third of the trees.
  for (const root of forest.roots) t.not(forest.left[root], root)
})

t.test('samples that are all alike teach nothing: every score is 0.5', async (t) => {
  const forest = fitIsolationForest(new Float64Array(600).fill(3), { nSamples: 300, nFeatures: 2, seed: 1 })
  t.equal(forest.height, 0)
  t.equal(forest.left.length, 100)
  const scores = anomalyScores(forest, Float64Array.of(3, 3, -1e300, 1e300, 0, 0))
  for (const score of scores) t.ok(Math.abs(score - 0.5) < 1e-6)
})

t.test('a single sample teaches nothing: every score is 0.5, as in scikit-learn', async (t) => {
  const forest = fitIsolationForest(Float64Array.of(1, 2, 3), { nSamples: 1, nFeatures: 3, seed: 1 })
  t.equal(forest.maxSamples, 1)
  t.same([...anomalyScores(forest, Float64Array.of(1, 2, 3, 100, 0, -5))], [0.5, 0.5])
})

t.test('fewer samples than maxSamples are all used, and duplicates do no harm', async (t) => {
  const few = fitIsolationForest(normalSamples(10, 2, 1), { nSamples: 10, nFeatures: 2, seed: 1 })
  t.equal(few.maxSamples, 10)
  t.ok(few.height <= 4)
  const twice = Float64Array.from({ length: 400 }, (_, i) => (i % 40 === 0 ? 9 : i % 3))
  const forest = fitIsolationForest(twice, { nSamples: 400, nFeatures: 1, seed: 1 })
  const [usual, rare] = anomalyScores(forest, Float64Array.of(1, 9))
  t.ok(rare! > usual!)
})

t.test('samples far beyond float32 are taken as its largest value', async (t) => {
  const samples = normalSamples(300, 2, 1)
  samples[10] = 1e300
  samples[21] = -Infinity
  const forest = fitIsolationForest(samples, { nSamples: 300, nFeatures: 2, maxSamples: 300, seed: 1 })
  t.ok(forest.threshold.every((value, node) => isLeaf(forest, node) || Number.isFinite(value)))
  const [huge, usual] = anomalyScores(forest, Float64Array.of(1e300, 0, 0, 0))
  t.ok(huge! > usual!)
})

t.test('a wrong shape, NaN and bad options are errors that say what is allowed', async (t) => {
  const usual: FitOptions = { nSamples: 2, nFeatures: 2, seed: 1 }
  const wrong: [string, Float64Array, Partial<FitOptions>][] = [
    ['samples has 3 values: 2 samples of 2 features need 4', Float64Array.of(1, 2, 3), {}],
    ['samples[1] is NaN: every sample must be a number', Float64Array.of(1, NaN, 3, 4), {}],
    ['nSamples is 0: it must be an integer of 1 or more', new Float64Array(0), { nSamples: 0 }],
    ['nFeatures is 0: it must be an integer of 1 or more', new Float64Array(0), { nFeatures: 0 }],
    ['nEstimators is 0: it must be an integer of 1 or more', new Float64Array(4), { nEstimators: 0 }],
    ['nEstimators is 1.5: it must be an integer of 1 or more', new Float64Array(4), { nEstimators: 1.5 }],
    ['maxSamples is -1: it must be an integer of 1 or more', new Float64Array(4), { maxSamples: -1 }],
    ['maxSamples is NaN: it must be an integer of 1 or more', new Float64Array(4), { maxSamples: NaN }],
    ['seed is NaN: it must be a finite number', new Float64Array(4), { seed: NaN }],
    [
      `nEstimators and maxSamples allow 300000000 nodes: ${maxNodes} is the most`,
      new Float64Array(4),
      { nEstimators: 1e8 },
    ],
    ['nFeatures is 70000: 65536 is the most', new Float64Array(70000), { nSamples: 1, nFeatures: 70000 }],
  ]
  for (const [message, samples, options] of wrong) {
    const error = { name: 'RangeError', message }
    t.throws(() => fitIsolationForest(samples, { ...usual, ...options }), error, message)
  }
})
