/**
 * A fitted isolation forest (Liu, Ting and Zhou 2008, "Isolation Forest", sections 2 and 4), all its trees
 * one after the other in flat arrays. The artifact, the kernel and the tensor program share this layout.
 *
 * Traversal from a root: `k = left[k] + (x[feature[k]] > threshold[k] ? 1 : 0)`, `height` times. A leaf points
 * to itself and its threshold is +Infinity, so that going on from a leaf stays there: no test for the end is
 * needed. Samples are float32 (see `toFloat32`), as the thresholds are.
 *
 * Path lengths are float32 too: they are 0 or at least 1 and few, so their sums in float64 are exact, and the
 * order in which trees are added up cannot change a score.
 */
export interface IsolationForest {
  /** Features of a sample. */
  readonly nFeatures: number
  /** Trees. */
  readonly nEstimators: number
  /** psi: samples that each tree was really fitted on, min(maxSamples asked for, nSamples). */
  readonly maxSamples: number
  /** Most steps from a root to a leaf, over all trees. */
  readonly height: number
  /** First node of each tree, `[nEstimators]`. */
  readonly roots: Int32Array
  /** Left child of each node, `[nNodes]`; the right child is the next one; a leaf is its own. */
  readonly left: Int32Array
  /** Feature that a node asks for, `[nNodes]`; 0 in a leaf. */
  readonly feature: Int32Array
  /** A sample at or below this goes left, `[nNodes]`; +Infinity in a leaf. */
  readonly threshold: Float32Array
  /** In a leaf depth + c(samples in it), `[nNodes]`; 0 in an inner node. */
  readonly pathLength: Float32Array
}

/** Most nodes that a forest may have: 2^26 of them take 1 GiB. */
export const maxNodes = 2 ** 26

/** Most features that a forest may have, so that a kernel's block of rows stays below 64 MiB. */
export const maxFeatures = 2 ** 16
