import type { CompactForest } from './compact-forest.js'

/** One step down a tree whose columns lie in an array of their own; see `packedChild`. */
function wideChild(
  next: Int32Array,
  column: Int32Array,
  threshold: Float32Array,
  block: Float32Array,
  node: number,
  row: number,
): number {
  return next[node]! + Number(block[column[node]! | row]! > threshold[node]!)
}

/**
 * Adds one tree's path lengths for rows 0 to nRows of a block to their sums: eight rows side by side, two
 * steps a turn (at a leaf a step too many stays there). The last group may go beyond nRows, not beyond the block.
 */
export function addWideTree(
  forest: CompactForest,
  column: Int32Array,
  block: Float32Array,
  sums: Float64Array,
  tree: number,
  nRows: number,
): void {
  const { next, threshold, pathLength } = forest
  const root = forest.roots[tree]!
  const height = forest.heights[tree]!
  for (let row = 0; row < nRows; row += 8) {
    let k0 = root
    let k1 = root
    let k2 = root
    let k3 = root
    let k4 = root
    let k5 = root
    let k6 = root
    let k7 = root
    for (let step = 0; step < height; step += 2) {
      k0 = wideChild(next, column, threshold, block, k0, row)
      k1 = wideChild(next, column, threshold, block, k1, row | 1)
      k2 = wideChild(next, column, threshold, block, k2, row | 2)
      k3 = wideChild(next, column, threshold, block, k3, row | 3)
      k4 = wideChild(next, column, threshold, block, k4, row | 4)
      k5 = wideChild(next, column, threshold, block, k5, row | 5)
      k6 = wideChild(next, column, threshold, block, k6, row | 6)
      k7 = wideChild(next, column, threshold, block, k7, row | 7)
      k0 = wideChild(next, column, threshold, block, k0, row)
      k1 = wideChild(next, column, threshold, block, k1, row | 1)
      k2 = wideChild(next, column, threshold, block, k2, row | 2)
      k3 = wideChild(next, column, threshold, block, k3, row | 3)
      k4 = wideChild(next, column, threshold, block, k4, row | 4)
      k5 = wideChild(next, column, threshold, block, k5, row | 5)
      k6 = wideChild(next, column, threshold, block, k6, row | 6)
      k7 = wideChild(next, column, threshold, block, k7, row | 7)
    }
    sums[row]! += pathLength[k0]!
    sums[row | 1]! += pathLength[k1]!
    sums[row | 2]! += pathLength[k2]!
    sums[row | 3]! += pathLength[k3]!
    sums[row | 4]! += pathLength[k4]!
    sums[row | 5]! += pathLength[k5]!
    sums[row | 6]! += pathLength[k6]!
    sums[row | 7]! += pathLength[k7]!
  }
}

/** Sum of the path lengths of row 0 of a block over all trees: eight trees side by side. */
export function sumWideRow(forest: CompactForest, column: Int32Array, block: Float32Array): number {
  const { next, threshold, pathLength, roots, height } = forest
  let sum = 0
  for (let tree = 0; tree < roots.length; tree += 8) {
    let k0 = roots[tree]!
    let k1 = roots[tree + 1]!
    let k2 = roots[tree + 2]!
    let k3 = roots[tree + 3]!
    let k4 = roots[tree + 4]!
    let k5 = roots[tree + 5]!
    let k6 = roots[tree + 6]!
    let k7 = roots[tree + 7]!
    for (let step = 0; step < height; step += 2) {
      k0 = wideChild(next, column, threshold, block, k0, 0)
      k1 = wideChild(next, column, threshold, block, k1, 0)
      k2 = wideChild(next, column, threshold, block, k2, 0)
      k3 = wideChild(next, column, threshold, block, k3, 0)
      k4 = wideChild(next, column, threshold, block, k4, 0)
      k5 = wideChild(next, column, threshold, block, k5, 0)
      k6 = wideChild(next, column, threshold, block, k6, 0)
      k7 = wideChild(next, column, threshold, block, k7, 0)
      k0 = wideChild(next, column, threshold, block, k0, 0)
      k1 = wideChild(next, column, threshold, block, k1, 0)
      k2 = wideChild(next, column, threshold, block, k2, 0)
      k3 = wideChild(next, column, threshold, block, k3, 0)
      k4 = wideChild(next, column, threshold, block, k4, 0)
      k5 = wideChild(next, column, threshold, block, k5, 0)
      k6 = wideChild(next, column, threshold, block, k6, 0)
      k7 = wideChild(next, column, threshold, block, k7, 0)
    }
    sum +=
      pathLength[k0]! +
      pathLength[k1]! +
      pathLength[k2]! +
      pathLength[k3]! +
      pathLength[k4]! +
      pathLength[k5]! +
      pathLength[k6]! +
      pathLength[k7]!
  }
  return sum
}
