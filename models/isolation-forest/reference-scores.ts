import { anomalyScore } from './anomaly-score.js'
import { averagePathLength } from './average-path-length.js'
import type { IsolationForest } from './forest.js'
import { rowCount } from './row-count.js'
import { toFloat32 } from './to-float32.js'

/**
 * Anomaly scores by the plainest traversal, row by row and tree by tree down to the leaf: what the engines of
 * models/scoring are compared with, in results and in speed.
 *
 * @param samples `[nRows, forest.nFeatures]`, row-major; rounded to float32 (see `toFloat32`)
 * @returns s(x, n) of each row, `[nRows]`, see `anomalyScore`
 * @throws RangeError if samples is no whole number of rows, or a sample is NaN
 */
export function referenceScores(forest: IsolationForest, samples: Float64Array): Float64Array {
  const { nFeatures, nEstimators, roots, left, feature, threshold, pathLength } = forest
  const normalizer = averagePathLength(forest.maxSamples)
  const row = new Float32Array(nFeatures)
  const scores = new Float64Array(rowCount(forest, samples))
  for (let i = 0; i < scores.length; i++) {
    toFloat32(samples, i * nFeatures, row)
    let sum = 0
    for (let tree = 0; tree < nEstimators; tree++) {
      let node = roots[tree]!
      while (left[node]! !== node) {
        node = row[feature[node]!]! <= threshold[node]! ? left[node]! : left[node]! + 1
      }
      sum += pathLength[node]!
    }
    scores[i] = anomalyScore(sum / nEstimators, normalizer)
  }
  return scores
}
