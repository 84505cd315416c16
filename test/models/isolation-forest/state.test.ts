import t, { type Test } from 'tap'
import {
  anomalyScores,
  fitIsolationForest,
  forestFromState,
  forestToState,
  type IsolationForest,
} from '../../../models/index.js'
import { normalSamples } from './samples.js'

const samples = normalSamples(300, 3, 1)
const forest = fitIsolationForest(samples, { nSamples: 300, nFeatures: 3, nEstimators: 9, seed: 1 })
const innerNode = 0
const leaf = forest.left.findIndex((child, node) => child === node)

/** The state of the forest after something was done to it. */
function stateWith(damage: (forest: IsolationForest) => object): unknown {
  const { roots, left, feature, threshold, pathLength } = forest
  const arrays = {
    roots: roots.slice(),
    left: left.slice(),
    feature: feature.slice(),
    threshold: threshold.slice(),
    pathLength: pathLength.slice(),
  }
  const damaged = { ...forest, ...arrays }
  return forestToState({ ...damaged, ...damage(damaged) })
}

const put = (values: Int32Array | Float32Array, index: number, value: number): object => {
  values[index] = value
  return {}
}

t.test('a forest comes back from JSON bit for bit', async (t) => {
  const restored = forestFromState(JSON.parse(JSON.stringify(forestToState(forest))))
  t.same(restored, forest)
  t.same(anomalyScores(restored, samples), anomalyScores(forest, samples))
})

t.test('arrays are little-endian 32-bit numbers in base64', async (t) => {
  const single = fitIsolationForest(Float64Array.of(1), {
    nSamples: 1,
    nFeatures: 1,
    nEstimators: 2,
    seed: 1,
  })
  t.same(forestToState(single), {
    type: 'isolation-forest',
    version: 1,
    nFeatures: 1,
    nEstimators: 2,
    maxSamples: 1,
    height: 0,
    roots: 'AAAAAAEAAAA=',
    left: 'AAAAAAEAAAA=',
    feature: 'AAAAAAAAAAA=',
    threshold: 'AACAfwAAgH8=',
    pathLength: 'AAAAAAAAAAA=',
  })
})

t.test('what is no state of a forest is refused', async (t) => {
  const state = forestToState(forest)
  const wrong: [string, unknown][] = [
    ['it is not an object', null],
    ['it is not an object', 'forest'],
    ['its type is not isolation-forest', {}],
    ['version 2 is unknown; 1 is known', { ...state, version: 2 }],
    ['nFeatures is not an integer of 1 or more', { ...state, nFeatures: '3' }],
    ['maxSamples is not an integer of 1 or more', { ...state, maxSamples: 0 }],
    ['nEstimators is not an integer of 1 or more', { ...state, nEstimators: undefined }],
    ['left cannot be read (not a string)', { ...state, left: undefined }],
    ['left cannot be read (not base64)', { ...state, left: '%%%%' }],
    ['left cannot be read (3 bytes are no whole 32-bit numbers)', { ...state, left: 'AAAA' }],
    ['it has 9 roots for 10 trees', { ...state, nEstimators: 10 }],
    ['it has 70000 features, more than 65536', { ...state, nFeatures: 70000 }],
  ]
  for (const [problem, value] of wrong) refuses(t, value, problem)
})

t.test('a damaged forest is refused, so that every traversal stays in its tree and ends', async (t) => {
  const { left, roots } = forest
  const wrong: [string, (damaged: IsolationForest) => object][] = [
    [
      `feature has ${left.length - 1} values for ${left.length} nodes`,
      ({ feature }) => ({ feature: feature.slice(1) }),
    ],
    [`pathLength has 0 values for ${left.length} nodes`, () => ({ pathLength: new Float32Array(0) })],
    ['the first tree does not begin at node 0', ({ roots }) => put(roots, 0, 1)],
    [`tree 1 has its nodes from ${roots[1]} to ${roots[1]}`, ({ roots }) => put(roots, 2, roots[1]!)],
    [`tree 8 has its nodes from ${left.length} to ${left.length}`, ({ roots }) => put(roots, 8, left.length)],
    [`tree 7 has its nodes from ${roots[7]} to -1`, ({ roots }) => put(roots, 8, -1)],
    ['node 1 has its children at 0', ({ left }) => put(left, 1, 0)],
    [`node 0 has its children at ${roots[1]! - 1}`, ({ left }) => put(left, innerNode, roots[1]! - 1)],
    ['node 0 has its children at 2147483647', ({ left }) => put(left, innerNode, 2147483647)],
    ['node 0 asks for feature 3 of 3', ({ feature }) => put(feature, innerNode, 3)],
    ['node 0 asks for feature -1 of 3', ({ feature }) => put(feature, innerNode, -1)],
    ['node 0 has the threshold NaN', ({ threshold }) => put(threshold, innerNode, NaN)],
    ['node 0 has the threshold Infinity', ({ threshold }) => put(threshold, innerNode, Infinity)],
    ['node 0 is no leaf but has a path length', ({ pathLength }) => put(pathLength, innerNode, 1)],
    [`leaf ${leaf} has a threshold`, ({ threshold }) => put(threshold, leaf, 1)],
    [`leaf ${leaf} has the path length NaN`, ({ pathLength }) => put(pathLength, leaf, NaN)],
    [`leaf ${leaf} has the path length -1`, ({ pathLength }) => put(pathLength, leaf, -1)],
    [`leaf ${leaf} has the path length 0.5`, ({ pathLength }) => put(pathLength, leaf, 0.5)],
    [`leaf ${leaf} has the path length 1000`, ({ pathLength }) => put(pathLength, leaf, 1000)],
    ['its trees are 8 steps high, not 9', () => ({ height: 9 })],
    ['it has 0 roots for 9 trees', () => ({ roots: new Int32Array(0) })],
  ]
  for (const [problem, damage] of wrong) refuses(t, stateWith(damage), problem)
})

function refuses(t: Test, state: unknown, problem: string): void {
  const message = `This is no valid isolation forest: ${problem}.`
  t.throws(() => forestFromState(state), { name: 'TypeError', message }, problem)
}
