import type { IsolationForest } from './forest.js'

/** Most steps from the root to a leaf of each tree, `[nEstimators]`; every child must lie behind its parent. */
export function treeHeights(forest: Pick<IsolationForest, 'roots' | 'left'>): Int32Array {
  const { roots, left } = forest
  const depth = new Int32Array(left.length)
  return roots.map((root, tree) => {
    const end = roots[tree + 1] ?? left.length
    let height = 0
    for (let node = root; node < end; node++) {
      height = Math.max(height, depth[node]!)
      const child = left[node]!
      if (child === node) continue
      const below = depth[node]! + 1
      depth[child] = Math.max(depth[child]!, below)
      depth[child + 1] = Math.max(depth[child + 1]!, below)
    }
    return height
  })
}
