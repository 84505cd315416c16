import { averagePathLength } from '../../../../models/isolation-forest/average-path-length.js'
import type { IsolationForest } from '../../../../models/isolation-forest/forest.js'
import { roundDownToFloat32 } from '../../../../models/isolation-forest/to-float32.js'
import { treeHeights } from '../../../../models/isolation-forest/tree-heights.js'

/** What sklearn_forest.py writes. */
export interface SklearnForest {
  readonly n_features: number
  readonly max_samples: number
  readonly trees: readonly SklearnTree[]
}

interface SklearnTree {
  readonly children_left: readonly number[]
  readonly children_right: readonly number[]
  readonly feature: readonly number[]
  readonly threshold: readonly number[]
  readonly n_node_samples: readonly number[]
}

/** A scikit-learn forest in our layout: breadth first, thresholds down to float32, as its samples are float32. */
export function fromSklearn(sklearn: SklearnForest): IsolationForest {
  const left: number[] = []
  const feature: number[] = []
  const threshold: number[] = []
  const pathLength: number[] = []
  const roots = sklearn.trees.map((tree) => {
    const root = left.length
    const queue = [{ node: 0, depth: 0 }]
    for (const { node, depth } of queue) {
      const child = tree.children_left[node]!
      const leaf = child === -1
      const place = left.length
      left.push(leaf ? place : root + queue.length)
      feature.push(leaf ? 0 : tree.feature[node]!)
      threshold.push(leaf ? Infinity : roundDownToFloat32(tree.threshold[node]!))
      pathLength.push(leaf ? depth + averagePathLength(tree.n_node_samples[node]!) : 0)
      if (leaf) continue
      queue.push({ node: child, depth: depth + 1 }, { node: tree.children_right[node]!, depth: depth + 1 })
    }
    return root
  })
  const shape = { roots: Int32Array.from(roots), left: Int32Array.from(left) }
  return {
    ...shape,
    nFeatures: sklearn.n_features,
    nEstimators: roots.length,
    maxSamples: sklearn.max_samples,
    height: Math.max(...treeHeights(shape)),
    feature: Int32Array.from(feature),
    threshold: Float32Array.from(threshold),
    pathLength: Float32Array.from(pathLength),
  }
}
