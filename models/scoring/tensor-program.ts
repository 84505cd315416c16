import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core'
import type { IsolationForest } from '../isolation-forest/forest.js'
import type { TensorFlow } from './tensor-backend.js'

/** A forest's arrays as tensors, `[nNodes]`, but `roots`: `[nEstimators]`. */
interface ForestTensors {
  readonly roots: Tensor1D
  readonly left: Tensor1D
  readonly feature: Tensor1D
  readonly threshold: Tensor1D
  readonly pathLength: Tensor1D
}

/** Copies a forest to the current backend; the caller disposes of the tensors. */
export function forestTensors(tf: TensorFlow, forest: IsolationForest): ForestTensors {
  return {
    roots: tf.tensor1d(forest.roots, 'int32'),
    left: tf.tensor1d(forest.left, 'int32'),
    feature: tf.tensor1d(forest.feature, 'int32'),
    threshold: tf.tensor1d(forest.threshold, 'float32'),
    pathLength: tf.tensor1d(forest.pathLength, 'float32'),
  }
}

/**
 * Sends all rows through all trees at once, one level a step: node = left + (sample > threshold). Gathers are
 * written as gatherND, several times as fast as gather on the WASM backend.
 *
 * What comes back are the path lengths of each row in each tree, not their sums: added up in float64 those are
 * exact, while a backend adds in float32. Every tensor made on the way is disposed of.
 *
 * @param rows `[nRows, nFeatures]`, row-major
 * @returns `[nRows, nEstimators]`, row-major
 */
export function treePathLengths(
  tf: TensorFlow,
  forest: IsolationForest,
  tensors: ForestTensors,
  rows: Float32Array,
): Float32Array {
  const { nFeatures, nEstimators, height } = forest
  const { roots, left, feature, threshold, pathLength } = tensors
  return tf.tidy(() => {
    const nRows = rows.length / nFeatures
    const values = tf.tensor1d(rows, 'float32')
    const firstValues = tf.expandDims<Tensor2D>(tf.range(0, rows.length, nFeatures, 'int32'), 1)
    const rowStarts = tf.reshape(tf.tile(firstValues, [1, nEstimators]), [nRows * nEstimators])
    const indices = (positions: Tensor): Tensor => tf.expandDims(positions, 1)
    let nodes: Tensor = indices(tf.tile(roots, [nRows]))
    for (let step = 0; step < height; step++) {
      nodes = tf.tidy(() => {
        const places = tf.add(rowStarts, tf.gatherND(feature, nodes))
        const right = tf.greater(tf.gatherND(values, indices(places)), tf.gatherND(threshold, nodes))
        return indices(tf.add(tf.gatherND(left, nodes), tf.cast(right, 'int32')))
      })
    }
    return tf.gatherND(pathLength, nodes).dataSync<'float32'>()
  })
}
