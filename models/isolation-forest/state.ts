import { averagePathLength } from './average-path-length.js'
import { decodeFloat32, decodeInt32, encodeArray } from './base64.js'
import { type IsolationForest, maxFeatures, maxNodes } from './forest.js'
import { treeHeights } from './tree-heights.js'

/** What a forest is saved as: a plain JSON object; the arrays are base64 of little-endian 32-bit numbers. */
export interface IsolationForestState {
  readonly type: 'isolation-forest'
  readonly version: 1
  readonly nFeatures: number
  readonly nEstimators: number
  readonly maxSamples: number
  readonly height: number
  readonly roots: string
  readonly left: string
  readonly feature: string
  readonly threshold: string
  readonly pathLength: string
}

/** The saved state of a forest; `forestFromState` brings it back bit for bit. */
export function forestToState(forest: IsolationForest): IsolationForestState {
  return {
    type: 'isolation-forest',
    version: 1,
    nFeatures: forest.nFeatures,
    nEstimators: forest.nEstimators,
    maxSamples: forest.maxSamples,
    height: forest.height,
    roots: encodeArray(forest.roots),
    left: encodeArray(forest.left),
    feature: encodeArray(forest.feature),
    threshold: encodeArray(forest.threshold),
    pathLength: encodeArray(forest.pathLength),
  }
}

/**
 * The forest of a saved state, once everything that scoring relies on has been checked: every traversal stays
 * in its tree and ends within `height` steps. Costs O(nodes).
 *
 * @throws TypeError if it is no such state, is damaged or of another version; the message says what is wrong
 */
export function forestFromState(state: unknown): IsolationForest {
  if (typeof state !== 'object' || state === null) refuse('it is not an object')
  const fields = state as Partial<Record<keyof IsolationForestState, unknown>>
  if (fields.type !== 'isolation-forest') refuse('its type is not isolation-forest')
  if (fields.version !== 1) refuse(`version ${String(fields.version)} is unknown; 1 is known`)
  const forest: IsolationForest = {
    nFeatures: checkInteger('nFeatures', fields.nFeatures, 1),
    nEstimators: checkInteger('nEstimators', fields.nEstimators, 1),
    maxSamples: checkInteger('maxSamples', fields.maxSamples, 1),
    height: checkInteger('height', fields.height, 0),
    roots: decodeField('roots', fields.roots, decodeInt32),
    left: decodeField('left', fields.left, decodeInt32),
    feature: decodeField('feature', fields.feature, decodeInt32),
    threshold: decodeField('threshold', fields.threshold, decodeFloat32),
    pathLength: decodeField('pathLength', fields.pathLength, decodeFloat32),
  }
  checkLengths(forest)
  checkTrees(forest)
  return forest
}

function refuse(problem: string): never {
  throw new TypeError(`This is no valid isolation forest: ${problem}.`)
}

function checkInteger(name: string, value: unknown, least: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value
  return refuse(`${name} is not an integer of ${least} or more`)
}

function decodeField<T>(name: string, value: unknown, decode: (text: unknown) => T): T {
  try {
    return decode(value)
  } catch (error) {
    return refuse(`${name} cannot be read (${error instanceof Error ? error.message : String(error)})`)
  }
}

function checkLengths(forest: IsolationForest): void {
  const { nEstimators, roots, left } = forest
  if (forest.nFeatures > maxFeatures) refuse(`it has ${forest.nFeatures} features, more than ${maxFeatures}`)
  if (roots.length !== nEstimators) refuse(`it has ${roots.length} roots for ${nEstimators} trees`)
  if (left.length > maxNodes) refuse(`it has ${left.length} nodes, more than ${maxNodes}`)
  for (const name of ['feature', 'threshold', 'pathLength'] as const) {
    const { length } = forest[name]
    if (length !== left.length) refuse(`${name} has ${length} values for ${left.length} nodes`)
  }
}

function checkTrees(forest: IsolationForest): void {
  const { height, roots, left } = forest
  for (const [tree, root] of roots.entries()) {
    const end = roots[tree + 1] ?? left.length
    if (tree === 0 && root !== 0) refuse('the first tree does not begin at node 0')
    if (!(root < end && end <= left.length)) refuse(`tree ${tree} has its nodes from ${root} to ${end}`)
    for (let node = root; node < end; node++) checkNode(forest, node, end)
  }
  const highest = treeHeights(forest).reduce((most, steps) => Math.max(most, steps), 0)
  if (highest !== height) refuse(`its trees are ${highest} steps high, not ${height}`)
}

/** Children lie behind their parent and within the tree, so that every way down ends in a leaf. */
function checkNode(forest: IsolationForest, node: number, end: number): void {
  const { nFeatures, left, feature, threshold, pathLength } = forest
  const child = left[node]!
  if (feature[node]! < 0 || feature[node]! >= nFeatures) {
    refuse(`node ${node} asks for feature ${feature[node]!} of ${nFeatures}`)
  }
  if (child === node) {
    if (threshold[node] !== Infinity) refuse(`leaf ${node} has a threshold`)
    checkPathLength(forest, node)
  } else {
    if (!(child > node && child + 1 < end)) refuse(`node ${node} has its children at ${child}`)
    if (!Number.isFinite(threshold[node]!)) refuse(`node ${node} has the threshold ${threshold[node]!}`)
    if (pathLength[node] !== 0) refuse(`node ${node} is no leaf but has a path length`)
  }
}

/** What can be depth + c(samples in the leaf): nothing below 1 but 0, or sums would not be exact any more. */
function checkPathLength(forest: IsolationForest, leaf: number): void {
  const length = forest.pathLength[leaf]!
  const longest = Math.fround(forest.height + averagePathLength(forest.maxSamples))
  if (length !== 0 && !(length >= 1 && length <= longest))
    refuse(`leaf ${leaf} has the path length ${length}`)
}
