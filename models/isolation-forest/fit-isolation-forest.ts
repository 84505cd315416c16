import { createRandom, type Random } from '../statistics/random.js'
import { averagePathLength } from './average-path-length.js'
import { type IsolationForest, maxFeatures, maxNodes } from './forest.js'
import { roundDownToFloat32, toFloat32 } from './to-float32.js'

export interface FitOptions {
  readonly nSamples: number
  readonly nFeatures: number
  /** Trees; 100 unless given. */
  readonly nEstimators?: number
  /** Samples for each tree, drawn without replacement, or all when there are fewer; 256 unless given. */
  readonly maxSamples?: number
  /** Any finite number: the same seed and samples give the same forest, bit for bit. */
  readonly seed: number
}

/** What the nodes of a forest are collected in while it grows. */
interface GrowingNodes {
  left: number[]
  feature: number[]
  threshold: number[]
  pathLength: number[]
}

/** One tree's sample and the scratch space for splitting it. */
interface Subsample {
  /** `[psi, nFeatures]`, row-major. */
  readonly values: Float32Array
  readonly nFeatures: number
  /** The rows, ordered so that each node has a range of its own. */
  readonly rows: Int32Array
  /** All features, in an order that changes. */
  readonly candidates: Int32Array
}

/** A node that waits to be split: rows [start, end) of the subsample. */
interface OpenNode {
  readonly start: number
  readonly end: number
  readonly depth: number
}

interface Split {
  readonly feature: number
  readonly threshold: number
}

/**
 * Fits an isolation forest (Liu, Ting and Zhou 2008, algorithms 1 and 2).
 *
 * Every tree gets a subsample without replacement and grows to at most ceil(log2(psi)) steps. A node asks for
 * one feature, each that is not constant in it being equally likely, and a threshold uniform in [min, max)
 * of that feature's values; samples at or below it go left. A node whose samples are all alike is a leaf.
 * Costs O(nSamples × nFeatures + nEstimators × psi × log psi).
 *
 * @param samples `[nSamples, nFeatures]`, row-major; rounded to float32 (see `toFloat32`)
 * @throws RangeError if the shape is wrong, a sample is NaN, or an option is out of its range
 */
export function fitIsolationForest(samples: Float64Array, options: FitOptions): IsolationForest {
  const { nSamples, nFeatures, nEstimators = 100, maxSamples = 256, seed } = options
  const psi = Math.min(maxSamples, nSamples)
  checkOptions(samples, { nSamples, nFeatures, nEstimators, maxSamples, seed })
  const values = new Float32Array(samples.length)
  toFloat32(samples, 0, values)

  const random = createRandom(seed)
  const order = Int32Array.from({ length: nSamples }, (_, row) => row)
  const subsample: Subsample = {
    values: new Float32Array(psi * nFeatures),
    nFeatures,
    rows: new Int32Array(psi),
    candidates: Int32Array.from({ length: nFeatures }, (_, feature) => feature),
  }
  const nodes: GrowingNodes = { left: [], feature: [], threshold: [], pathLength: [] }
  const roots = new Int32Array(nEstimators)
  let height = 0
  for (let tree = 0; tree < nEstimators; tree++) {
    roots[tree] = nodes.left.length
    draw(subsample, values, order, random)
    height = Math.max(height, growTree(nodes, subsample, random))
  }
  return {
    nFeatures,
    nEstimators,
    maxSamples: psi,
    height,
    roots,
    left: Int32Array.from(nodes.left),
    feature: Int32Array.from(nodes.feature),
    threshold: Float32Array.from(nodes.threshold),
    pathLength: Float32Array.from(nodes.pathLength),
  }
}

function checkOptions(samples: Float64Array, options: Required<FitOptions>): void {
  const { nSamples, nFeatures, nEstimators, maxSamples, seed } = options
  for (const [name, value] of Object.entries({ nSamples, nFeatures, nEstimators, maxSamples })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`${name} is ${value}: it must be an integer of 1 or more`)
    }
  }
  if (nFeatures > maxFeatures) throw new RangeError(`nFeatures is ${nFeatures}: ${maxFeatures} is the most`)
  if (samples.length !== nSamples * nFeatures) {
    throw new RangeError(
      `samples has ${samples.length} values: ${nSamples} samples of ${nFeatures} features need ${nSamples * nFeatures}`,
    )
  }
  const mostNodes = nEstimators * (2 * Math.min(maxSamples, nSamples) - 1)
  if (mostNodes > maxNodes) {
    throw new RangeError(`nEstimators and maxSamples allow ${mostNodes} nodes: ${maxNodes} is the most`)
  }
  if (!Number.isFinite(seed)) throw new RangeError(`seed is ${seed}: it must be a finite number`)
}

/** Draws a subsample without replacement: the first steps of a Fisher-Yates shuffle of all rows. */
function draw(subsample: Subsample, values: Float32Array, order: Int32Array, random: Random): void {
  const { nFeatures, rows } = subsample
  for (let i = 0; i < rows.length; i++) {
    const j = i + random.integer(order.length - i)
    const row = order[j]!
    order[j] = order[i]!
    order[i] = row
    subsample.values.set(values.subarray(row * nFeatures, (row + 1) * nFeatures), i * nFeatures)
    rows[i] = i
  }
}

/** Appends one tree, breadth first, so that both children of a node are neighbours; returns its height. */
function growTree(nodes: GrowingNodes, subsample: Subsample, random: Random): number {
  const psi = subsample.rows.length
  const heightLimit = Math.ceil(Math.log2(psi))
  const root = nodes.left.length
  const open: OpenNode[] = [{ start: 0, end: psi, depth: 0 }]
  for (let i = 0; i < open.length; i++) {
    const { start, end, depth } = open[i]!
    const split = depth < heightLimit ? drawSplit(subsample, start, end, random) : undefined
    if (split === undefined) {
      appendNode(nodes, root + i, 0, Infinity, depth + averagePathLength(end - start))
    } else {
      appendNode(nodes, root + open.length, split.feature, split.threshold, 0)
      const middle = partition(subsample, start, end, split)
      open.push({ start, end: middle, depth: depth + 1 }, { start: middle, end, depth: depth + 1 })
    }
  }
  return open.at(-1)!.depth
}

function appendNode(
  nodes: GrowingNodes,
  left: number,
  feature: number,
  threshold: number,
  pathLength: number,
): void {
  nodes.left.push(left)
  nodes.feature.push(feature)
  nodes.threshold.push(threshold)
  nodes.pathLength.push(pathLength)
}

/** A feature at random among those not constant in the node, and a threshold for it; undefined if none is. */
function drawSplit(subsample: Subsample, start: number, end: number, random: Random): Split | undefined {
  const { values, nFeatures, rows, candidates } = subsample
  for (let remaining = nFeatures; remaining > 0; remaining--) {
    const pick = random.integer(remaining)
    const feature = candidates[pick]!
    candidates[pick] = candidates[remaining - 1]!
    candidates[remaining - 1] = feature
    let min = Infinity
    let max = -Infinity
    for (let i = start; i < end; i++) {
      const value = values[rows[i]! * nFeatures + feature]!
      if (value < min) min = value
      if (value > max) max = value
    }
    if (min < max) return { feature, threshold: drawThreshold(min, max, random) }
  }
  return undefined
}

/** Uniform in [min, max), then down to float32: the smallest sample goes left and the largest right. */
function drawThreshold(min: number, max: number, random: Random): number {
  const drawn = min + random.uniform() * (max - min)
  return drawn < max ? roundDownToFloat32(drawn) : min
}

/** Puts the rows at or below the threshold first; returns where the others begin. */
function partition(subsample: Subsample, start: number, end: number, split: Split): number {
  const { values, nFeatures, rows } = subsample
  let middle = start
  for (let i = start; i < end; i++) {
    const row = rows[i]!
    if (values[row * nFeatures + split.feature]! > split.threshold) continue
    rows[i] = rows[middle]!
    rows[middle] = row
    middle++
  }
  return middle
}
