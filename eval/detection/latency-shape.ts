import { normalCdf, normalDensity } from './normal.js'

/** Distribution of the latencies of one minute: log-normal, with a share in a slower mode. */
export interface LatencyMix {
  /** Standard deviation of the logarithm. */
  readonly sigma: number
  readonly slowShare: number
  /** Times the median. */
  readonly slowFactor: number
  /** Tail index of a power law beyond the 95th percentile; log-normal when left out. */
  readonly tailIndex?: number
  /** Up to this many requests of a row, each latency is drawn: a mean of few may be that of one slow request. */
  readonly drawnOneByOne?: number
}

/** The slow tail alone, times as slow: the last hundredth, or the last twentieth. */
export interface Tail {
  readonly factor: number
  readonly of: 'p99' | 'p95'
}

/** Logarithms of latencies, the median of the faster mode being 1 ms, on a grid of standard normal scores. */
export interface LatencyShape {
  readonly logs: Float64Array
  /** Of the latencies themselves. */
  readonly mean: number
  readonly sd: number
  /** Standard deviation of the logarithm. */
  readonly logSd: number
  readonly drawnOneByOne: number
}

const FROM = -4.5
const STEP = 0.05
const SIZE = 181

/** The factor of the tail sets in between these ranks: none below the first, all of it beyond the second. */
const RAMP = { p99: [0.952, 0.985], p95: [0.88, 0.945] } as const

/** With more requests, only the reported order statistics are drawn. */
const DRAWN_ONE_BY_ONE = 40

export function latencyShape({
  sigma,
  slowShare,
  slowFactor,
  tailIndex,
  drawnOneByOne = DRAWN_ONE_BY_ONE,
}: LatencyMix): LatencyShape {
  const cdf = (log: number) =>
    (1 - slowShare) * normalCdf(log / sigma) + slowShare * normalCdf((log - Math.log(slowFactor)) / sigma)
  const at = (p: number) =>
    tailIndex === undefined || p < 0.95
      ? inverse(cdf, p)
      : inverse(cdf, 0.95) + tailIndex * Math.log(0.05 / (1 - p))
  const logs = Float64Array.from({ length: SIZE }, (_, i) => at(normalCdf(FROM + i * STEP)))
  return shapeOf(logs, drawnOneByOne)
}

export function withTail(shape: LatencyShape, { factor, of }: Tail): LatencyShape {
  const [from, to] = RAMP[of]
  return shapeOf(
    shape.logs.map((log, i) => {
      const weight = (normalCdf(FROM + i * STEP) - from) / (to - from)
      return log + Math.log1p((factor - 1) * Math.min(1, Math.max(0, weight)))
    }),
    shape.drawnOneByOne,
  )
}

/** Logarithm of the latency at a standard normal score. */
export function logAt({ logs }: LatencyShape, z: number): number {
  const place = Math.min(SIZE - 1.001, Math.max(0, (z - FROM) / STEP))
  const left = Math.floor(place)
  return logs[left]! + (place - left) * (logs[left + 1]! - logs[left]!)
}

/** The share of latencies above the latency with this logarithm. */
export function shareAbove({ logs }: LatencyShape, log: number): number {
  const place = logs.findIndex((each) => each >= log)
  return 1 - normalCdf(FROM + (place < 0 ? SIZE : place) * STEP)
}

function shapeOf(logs: Float64Array, drawnOneByOne: number): LatencyShape {
  const weights = logs.map((_, i) => normalDensity(FROM + i * STEP) * STEP)
  const mean = (of: (log: number) => number) => logs.reduce((sum, log, i) => sum + weights[i]! * of(log), 0)
  const first = mean(Math.exp)
  const middle = mean((log) => log)
  return {
    logs,
    mean: first,
    sd: Math.sqrt(mean((log) => (Math.exp(log) - first) ** 2)),
    logSd: Math.sqrt(mean((log) => (log - middle) ** 2)),
    drawnOneByOne,
  }
}

function inverse(cdf: (log: number) => number, p: number): number {
  let [low, high] = [-20, 20]
  for (let step = 0; step < 45; step++) {
    const middle = (low + high) / 2
    if (cdf(middle) < p) low = middle
    else high = middle
  }
  return low
}
