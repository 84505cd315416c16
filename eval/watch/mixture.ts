import type { LatencyShape } from '../detection/latency-shape.js'
import { logAt } from '../detection/latency-shape.js'
import { normalCdf } from '../detection/normal.js'

/** Requests with latencies of a shape about a median. */
export interface MixturePart {
  readonly requests: number
  readonly logMedian: number
  readonly shape: LatencyShape
}

const BISECTIONS = 16

/** The latency in ms that a share of all requests lies below. */
export function mixtureQuantile(parts: readonly MixturePart[], n: number, p: number): number {
  let [low, high] = [0, 14]
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (low + high) / 2
    let above = 0
    for (const { logMedian, shape, requests } of parts)
      above += requests * shareAbove(shape, middle - logMedian)
    if (above > (1 - p) * n) low = middle
    else high = middle
  }
  return Math.exp((low + high) / 2)
}

/** Shares above logarithms of latencies, at even distances. */
const [FROM, STEP, SIZE] = [-8, 0.02, 1000]
const tables = new WeakMap<LatencyShape, Float64Array>()

function shareAbove(shape: LatencyShape, log: number): number {
  const table = tables.get(shape) ?? tableOf(shape)
  tables.set(shape, table)
  const place = Math.min(SIZE - 1.001, Math.max(0, (log - FROM) / STEP))
  const left = Math.floor(place)
  return table[left]! + (place - left) * (table[left + 1]! - table[left]!)
}

const MAX_SCORE = 4.5
const SCORE_STEP = 0.001

/** Logarithms rise with their scores, so that one pass over both finds them all. */
function tableOf(shape: LatencyShape): Float64Array {
  let z = -MAX_SCORE
  return Float64Array.from({ length: SIZE }, (_, i) => {
    while (z < MAX_SCORE && logAt(shape, z) < FROM + i * STEP) z += SCORE_STEP
    return 1 - normalCdf(z)
  })
}
