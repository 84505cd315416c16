import { anomalyScore } from '../isolation-forest/anomaly-score.js'
import { averagePathLength } from '../isolation-forest/average-path-length.js'
import type { IsolationForest } from '../isolation-forest/forest.js'
import { rowCount } from '../isolation-forest/row-count.js'
import { toFloat32 } from '../isolation-forest/to-float32.js'
import { blockRows, compactForest, lanes } from './compact-forest.js'
import { addPackedTree, sumPackedRow } from './packed-traversal.js'
import type { ScoringEngine } from './scoring-engine.js'
import { addWideTree, sumWideRow } from './wide-traversal.js'

/**
 * The scoring engine in plain JavaScript on typed arrays, the fastest there is without native code: batches in
 * blocks of 256 rows, tree by tree, eight rows side by side; a few rows one by one, eight trees side by side.
 *
 * Its scores are those of `referenceScores`, bit for bit: the sums of path lengths are exact. Keeps a compact
 * copy of the forest, 12 bytes a node (16 with more than 8 features).
 */
export function createKernelEngine(forest: IsolationForest): ScoringEngine {
  const { nFeatures, nEstimators } = forest
  const compact = compactForest(forest)
  const { column } = compact
  const normalizer = averagePathLength(forest.maxSamples)
  const block = new Float32Array(Math.max(nFeatures, 8) * blockRows)
  const row = new Float32Array(nFeatures)
  const sums = new Float64Array(blockRows)

  /** Brings rows of the samples into the block, column by column. */
  const loadRows = (samples: Float64Array, firstRow: number, nRows: number): void => {
    for (let i = 0; i < nRows; i++) {
      toFloat32(samples, (firstRow + i) * nFeatures, row)
      for (let j = 0; j < nFeatures; j++) block[j * blockRows + i] = row[j]!
    }
  }
  const sumRow = (): number => (column ? sumWideRow(compact, column, block) : sumPackedRow(compact, block))
  const sumBlock = (nRows: number): void => {
    sums.fill(0)
    for (let tree = 0; tree < nEstimators; tree++) {
      if (column) addWideTree(compact, column, block, sums, tree, nRows)
      else addPackedTree(compact, block, sums, tree, nRows)
    }
  }

  return {
    name: 'kernel',
    backend: 'javascript',
    reason: 'typed-array traversal, needs nothing installed',
    score(samples) {
      const scores = new Float64Array(rowCount(forest, samples))
      const single = scores.length < lanes
      const step = single ? 1 : blockRows
      for (let start = 0; start < scores.length; start += step) {
        const nRows = Math.min(step, scores.length - start)
        loadRows(samples, start, nRows)
        if (single) sums[0] = sumRow()
        else sumBlock(nRows)
        for (let i = 0; i < nRows; i++) scores[start + i] = anomalyScore(sums[i]! / nEstimators, normalizer)
      }
      return scores
    },
    dispose() {
      // Nothing is held outside the JavaScript heap.
    },
  }
}
