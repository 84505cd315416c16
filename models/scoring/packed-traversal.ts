import type { CompactForest } from './compact-forest.js'

/**
 * One step down a packed tree (see `CompactForest.next`), without a branch: children are neighbours, so the
 * comparison is added to the left one's place. The numbers are written out because the compiler does not
 * treat constants of a module as constants: 11 = packedShift, 1792 = 0b111 << 8, the column.
 */
function packedChild(
  next: Int32Array,
  threshold: Float32Array,
  block: Float32Array,
  node: number,
  row: number,
): number {
  const packed = next[node]!
  return (packed >>> 11) + Number(block[(packed & 1792) | row]! > threshold[node]!)
}

/**
 * Adds one tree's path lengths for rows 0 to nRows of a block to their sums: eight rows side by side, two
 * steps a turn (at a leaf a step too many stays there). The last group may go beyond nRows, not beyond the block.
 */
export function addPackedTree(
  forest: CompactForest,
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
      k0 = packedChild(next, threshold, block, k0, row)
      k1 = packedChild(next, threshold, block, k1, row | 1)
      k2 = packedChild(next, threshold, block, k2, row | 2)
      k3 = packedChild(next, threshold, block, k3, row | 3)
      k4 = packedChild(next, threshold, block, k4, row | 4)
      k5 = packedChild(next, threshold, block, k5, row | 5)
      k6 = packedChild(next, threshold, block, k6, row | 6)
      k7 = packedChild(next, threshold, block, k7, row | 7)
      k0 = packedChild(next, threshold, block, k0, row)
      k1 = packedChild(next, threshold, block, k1, row | 1)
      k2 = packedChild(next, threshold, block, k2, row | 2)
      k3 = packedChild(next, threshold, block, k3, row | 3)
      k4 = packedChild(next, threshold, block, k4, row | 4)
      k5 = packedChild(next, threshold, block, k5, row | 5)
      k6 = packedChild(next, threshold, block, k6, row | 6)
      k7 = packedChild(next, threshold, block, k7, row | 7)
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
export function sumPackedRow(forest: CompactForest, block: Float32Array): number {
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
      k0 = packedChild(next, threshold, block, k0, 0)
      k1 = packedChild(next, threshold, block, k1, 0)
      k2 = packedChild(next, threshold, block, k2, 0)
      k3 = packedChild(next, threshold, block, k3, 0)
      k4 = packedChild(next, threshold, block, k4, 0)
      k5 = packedChild(next, threshold, block, k5, 0)
      k6 = packedChild(next, threshold, block, k6, 0)
      k7 = packedChild(next, threshold, block, k7, 0)
      k0 = packedChild(next, threshold, block, k0, 0)
      k1 = packedChild(next, threshold, block, k1, 0)
      k2 = packedChild(next, threshold, block, k2, 0)
      k3 = packedChild(next, threshold, block, k3, 0)
      k4 = packedChild(next, threshold, block, k4, 0)
      k5 = packedChild(next, threshold, block, k5, 0)
      k6 = packedChild(next, threshold, block, k6, 0)
      k7 = packedChild(next, threshold, block, k7, 0)
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
