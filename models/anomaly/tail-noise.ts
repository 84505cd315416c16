import { quantile } from '../statistics/quantile.js'
import type { Feature } from './features.js'

/**
 * The noise of a percentile of few requests. The p99 of n requests is about the k-th slowest of them, k = 1 + 0.01 n. The
 * number of requests that are slower than any level is binomial. So the share of all requests beyond the k-th slowest is
 * U ~ Gamma(k) / n (David and Nagaraja 2003, "Order Statistics", section 2.3). Where the logarithm of a latency has an
 * exponential tail with the mean ξ, the logarithm of the percentile is usual − ξ ln(U / 0.01). It is skewed to the right,
 * and lower than usual where n is small.
 */

/** The share of the requests beyond a percentile. */
const SHARE_BEYOND: Partial<Record<Feature, number>> = { p95_latency_ms: 0.05, p99_latency_ms: 0.01 }

/** The median of a gamma variable of shape k is k − 1/3 (Choi 1994). The percentile is about the (1 + share · n)-th slowest. */
const MEDIAN = 2 / 3

/**
 * With a shape of k − 0.15 about the median, the root of the deviance is standard normal within 3 %, from the very slowest
 * request (k = 1) on.
 */
const SHAPE = 0.85

/** Whether a feature is a percentile. */
export function isPercentile(feature: Feature): boolean {
  return SHARE_BEYOND[feature] !== undefined
}

/** The shape of a percentile of n requests, above 0: the variance of its logarithm is ξ² / shape. */
export function tailShape(feature: Feature, requests: number): number {
  return SHAPE + SHARE_BEYOND[feature]! * requests
}

/** How far the median of a percentile of n requests lies from that of very many, on the scale of a latency; 0 or less. */
export function tailBias(feature: Feature, requests: number, index: number): number {
  return index === 0 ? 0 : -index * Math.log1p(MEDIAN / (SHARE_BEYOND[feature]! * Math.max(requests, 1)))
}

/** Rows of fewer requests say little about the tail. */
const MIN_REQUESTS = 20

/** The fewest rows that show a tail, and the longest tail that is believed: that of latencies without a mean. */
const MIN_ROWS = 30
const MAX_INDEX = 1.5

/**
 * The tail index ξ between the 95th and the 99th percentile: ln(p99 / p95) is about ξ ln 5 where both rest on many requests,
 * and less where they rest on few. O(n log n).
 *
 * @param p95 `[nRows]`, ms; NaN when not known
 * @returns 0 when too few rows show it
 */
export function tailIndexOf(p95: Float64Array, p99: Float64Array, requests: Float64Array): number {
  const indexes: number[] = []
  requests.forEach((n, i) => {
    const ratio = Math.log(p99[i]! / p95[i]!)
    if (!(n >= MIN_REQUESTS) || !Number.isFinite(ratio) || ratio < 0) return
    // The median of ln(p99 / p95): the shares beyond both have a ratio with a beta distribution.
    indexes.push(ratio / Math.log((0.05 * n + 1 - MEDIAN) / (0.01 * n + MEDIAN)))
  })
  return indexes.length < MIN_ROWS ? 0 : Math.min(MAX_INDEX, quantile(indexes, 0.5))
}

/** The noise of a percentile: the sum of a normal variable and of that of few requests. */
export interface TailNoise {
  /** Variance of the normal part, above 0. */
  readonly fixed: number
  /** ξ, above 0. */
  readonly index: number
  /** Of {@link tailShape}. */
  readonly shape: number
}

/** Rounds of Newton's iteration at most, and the step that ends it; its error is about the square of the step. */
const ROUNDS = 20
const CLOSE = 0.01

/**
 * The deviance of a residual from its median, half of the square of a standard score: the least of a² / 2 fixed +
 * shape (v − 1 + e^−v) over all splits of the residual into a + ξ v. It is the rate function of the sum of both parts, and
 * of the shape of a log-likelihood. Where the index tends to 0, it is that of a normal variable.
 */
export function tailDeviance(residual: number, noise: TailNoise): number {
  return devianceAt(splitOf(residual, noise), noise)
}

/** The standard score of a residual: the signed root of twice its deviance. */
export function tailScore(residual: number, noise: TailNoise): number {
  return Math.sign(residual) * Math.sqrt(2 * tailDeviance(residual, noise))
}

/** The residual with a standard score; the inverse of {@link tailScore}. */
export function tailResidual(score: number, noise: TailNoise): number {
  const { index, shape } = noise
  if (score === 0) return 0
  const most = mostNormal(noise)
  const half = (most * shape) / (2 * index)
  let v = score / Math.sqrt(shape + 2 * half)
  for (let round = 0; round < ROUNDS; round++) {
    const rest = Math.exp(-v)
    const normal = 1 - rest
    const root = Math.sqrt(2 * (shape * (v - normal) + half * normal * normal))
    const step = ((Math.abs(score) - root) * root) / (normal * (shape + 2 * half * rest))
    v = Math.max(v - 2, v + step)
    if (Math.abs(step) < CLOSE) break
  }
  return most * -Math.expm1(-v) + index * v
}

/** The most that the normal part takes of a residual upwards. */
function mostNormal({ fixed, index, shape }: TailNoise): number {
  return (fixed * shape) / index
}

function devianceAt(v: number, { fixed, index, shape }: TailNoise): number {
  const falls = Math.expm1(-v)
  const ofFew = Math.abs(v) < 1e-4 ? (v * v) / 2 : v + falls
  return shape * (ofFew + (fixed * shape * falls * falls) / (2 * index * index))
}

/**
 * The part v of a residual in its most likely split: the root of mostNormal (1 − e^−v) + ξ v − residual. That is rising and
 * concave, so that Newton's iteration converges from any v to the left of the root.
 */
function splitOf(residual: number, noise: TailNoise): number {
  const { index } = noise
  const most = mostNormal(noise)
  let v =
    residual > 0 ? residual / (most + index) : -Math.min(-residual / index, Math.log1p(-residual / most))
  for (let round = 0; round < ROUNDS; round++) {
    const rest = Math.exp(-v)
    const step = (residual - index * v - most * (1 - rest)) / (index + most * rest)
    v += step
    if (Math.abs(step) < CLOSE) break
  }
  return v
}
