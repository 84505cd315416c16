import type { IsolationForest } from '../isolation-forest/forest.js'
import { treeHeights } from '../isolation-forest/tree-heights.js'

/** Rows that the kernel takes at a time: their samples and one tree stay in the first-level cache. */
export const blockRows = 256
/** Rows, or trees of one row, that are followed side by side, so that their memory accesses overlap. */
export const lanes = 8

const columnBits = 8 // blockRows = 2^8
const featureBits = 3
const packedShift = columnBits + featureBits

/**
 * A forest as the kernel reads it. Samples lie in a block by columns, `[nFeatures, blockRows]`, so a node needs
 * the place of its feature's column, not the feature's number.
 */
export interface CompactForest {
  /**
   * `[nNodes + 1]`; when packed `left << 11 | column`, one load for both: up to 8 features and 2^21 nodes.
   * Otherwise left.
   */
  readonly next: Int32Array
  /** feature × blockRows, `[nNodes + 1]`; undefined when packed. */
  readonly column: Int32Array | undefined
  readonly threshold: Float32Array
  readonly pathLength: Float32Array
  /** A multiple of `lanes`: the last node, a leaf of length 0, stands in for trees that are missing. */
  readonly roots: Int32Array
  /** Most steps in each tree, `[nEstimators]`, and in all. */
  readonly heights: Int32Array
  readonly height: number
}

/** Lays a forest out for the kernel; costs O(nodes). */
export function compactForest(forest: IsolationForest): CompactForest {
  const nNodes = forest.left.length
  const packed = forest.nFeatures <= 1 << featureBits && nNodes < 2 ** (32 - packedShift)
  const left = withLast(Int32Array, forest.left, nNodes)
  const feature = withLast(Int32Array, forest.feature, 0)
  const column = feature.map((index) => index * blockRows)
  const roots = new Int32Array(Math.ceil(forest.nEstimators / lanes) * lanes).fill(nNodes)
  roots.set(forest.roots)
  return {
    next: packed ? left.map((child, node) => (child << packedShift) | column[node]!) : left,
    column: packed ? undefined : column,
    threshold: withLast(Float32Array, forest.threshold, Infinity),
    pathLength: withLast(Float32Array, forest.pathLength, 0),
    roots,
    heights: treeHeights(forest),
    height: forest.height,
  }
}

function withLast<T extends Int32Array | Float32Array>(
  type: new (length: number) => T,
  values: T,
  last: number,
): T {
  const longer = new type(values.length + 1)
  longer.set(values)
  longer[values.length] = last
  return longer
}
