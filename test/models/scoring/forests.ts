import { fitIsolationForest, type IsolationForest } from '../../../models/index.js'
import { createRandom } from '../../../models/statistics/random.js'
import { normalSamples } from '../isolation-forest/samples.js'

export interface NamedForest {
  readonly name: string
  readonly forest: IsolationForest
}

/** Forests of many shapes: those that the kernel packs and those that it does not, and the degenerate ones. */
export function forests(): NamedForest[] {
  const fitted = [1, 2, 5, 8, 9, 40].map((nFeatures) => ({
    name: `${nFeatures} features`,
    forest: fitIsolationForest(normalSamples(700, nFeatures, 1), { nSamples: 700, nFeatures, seed: 2 }),
  }))
  const fit = (samples: Float64Array, nEstimators: number, maxSamples: number): IsolationForest =>
    fitIsolationForest(samples, {
      nSamples: samples.length / 3,
      nFeatures: 3,
      nEstimators,
      maxSamples,
      seed: 4,
    })
  const ties = normalSamples(300, 3, 5).map((value) => Math.round(value / 10))
  return [
    ...fitted,
    { name: 'one tree', forest: fit(normalSamples(300, 3, 1), 1, 256) },
    { name: 'nine trees of odd height', forest: fit(normalSamples(300, 3, 1), 9, 100) },
    { name: 'deep trees', forest: fit(normalSamples(3000, 3, 1), 17, 3000) },
    { name: 'many equal samples', forest: fit(ties, 33, 256) },
    { name: 'only equal samples', forest: fit(new Float64Array(300).fill(2), 10, 256) },
    { name: 'a single sample', forest: fit(Float64Array.of(1, 2, 3), 100, 256) },
    {
      name: 'samples beyond float32',
      forest: fit(
        normalSamples(300, 3, 1).map((v) => v * 1e38),
        12,
        256,
      ),
    },
  ]
}

const beyond = [1e300, -1e300, Infinity, -Infinity, 3.4028234663852886e38, 0, -0, 1e-300]

/** Rows of which every third has a value exactly at a threshold, just below or above one, or far beyond. */
export function hardRows(forest: IsolationForest, nRows: number, seed: number): Float64Array {
  const { nFeatures, left, feature, threshold } = forest
  const random = createRandom(seed)
  const rows = normalSamples(nRows, nFeatures, seed)
  const innerNodes = [...left.keys()].filter((node) => left[node] !== node)
  for (let row = 0; row < nRows; row += 3) {
    for (let count = 0; count < 4; count++) {
      const node = innerNodes[random.integer(Math.max(1, innerNodes.length))]
      if (node === undefined || random.uniform() < 0.1) {
        rows[row * nFeatures + random.integer(nFeatures)] = beyond[random.integer(beyond.length)]!
      } else {
        const nudge = [0, 1e-9, -1e-9, 1e-7, -1e-7][random.integer(5)]!
        rows[row * nFeatures + feature[node]!] = threshold[node]! * (1 + nudge)
      }
    }
  }
  return rows
}

/** Index of the first score that differs, -1 if none does; NaN differs from everything. */
export function firstDifference(scores: Float64Array, expected: Float64Array): number {
  if (scores.length !== expected.length) return Math.min(scores.length, expected.length)
  return scores.findIndex((score, i) => score !== expected[i])
}
