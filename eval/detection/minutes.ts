import { quantileSorted } from '../../models/statistics/quantile.js'
import type { Random } from '../../models/statistics/random.js'
import { binomial, gamma, poisson } from './draws.js'
import { logAt, type LatencyShape } from './latency-shape.js'
import { normalQuantile } from './normal.js'

/** The true condition of a gateway in a minute. */
export interface Condition {
  readonly requestsPerMinute: number
  readonly medianMs: number
  readonly errorShare: number
  readonly shape: LatencyShape
}

/** The report of that minute, or of a row of another length. */
export interface Row {
  readonly timestampMs: number
  readonly requests_per_second: number
  readonly avg_latency_ms: number
  readonly p95_latency_ms: number
  readonly p99_latency_ms: number
  readonly error_rate: number
}

/** Correlation of the mean with the 95th percentile of the same requests. */
const MEAN_WITH_P95 = 0.6

/** Draws a row: Poisson requests, a binomial number of errors, percentiles of that many latencies. */
export function drawRow(
  random: Random,
  condition: Condition,
  dispersion: number,
  timestampMs: number,
  seconds = 60,
): Row {
  const { requestsPerMinute, errorShare } = condition
  const uneven = dispersion > 0 ? gamma(random, dispersion ** -2) * dispersion ** 2 : 1
  const requests = poisson(random, requestsPerMinute * (seconds / 60) * uneven)
  const row = { timestampMs, requests_per_second: requests / seconds }
  if (requests === 0) {
    return { ...row, avg_latency_ms: 0, p95_latency_ms: 0, p99_latency_ms: 0, error_rate: 0 }
  }
  const errors = binomial(random, requests, Math.min(1, errorShare))
  return { ...row, ...latencies(random, condition, requests), error_rate: errors / requests }
}

type Latencies = Pick<Row, 'avg_latency_ms' | 'p95_latency_ms' | 'p99_latency_ms'>

function latencies(random: Random, { medianMs, shape }: Condition, n: number): Latencies {
  if (n > shape.drawnOneByOne) return orderStatistics(random, medianMs, shape, n)
  const all = Float64Array.from(
    { length: n },
    () => medianMs * Math.exp(logAt(shape, random.normal())),
  ).sort()
  return {
    avg_latency_ms: all.reduce((sum, value) => sum + value / n, 0),
    p95_latency_ms: quantileSorted(all, 0.95),
    p99_latency_ms: quantileSorted(all, 0.99),
  }
}

/**
 * Draws the 95th and 99th percentile of n latencies without drawing all latencies: order statistics of uniforms are
 * ratios of gamma deviates (David and Nagaraja 2003, section 2.3). The mean is normal and correlated with them.
 */
function orderStatistics(random: Random, medianMs: number, shape: LatencyShape, n: number): Latencies {
  const [k95, k99] = [Math.ceil(0.95 * n), Math.ceil(0.99 * n)]
  const below = gamma(random, k95)
  const middle = k99 > k95 ? gamma(random, k99 - k95) : 0
  const sum = below + middle + gamma(random, n - k99 + 1)
  const u95 = below / sum
  const z95 = (u95 - k95 / (n + 1)) / Math.sqrt((0.95 * 0.05) / n)
  const noise = MEAN_WITH_P95 * z95 + Math.sqrt(1 - MEAN_WITH_P95 ** 2) * random.normal()
  const at = (u: number) => medianMs * Math.exp(logAt(shape, normalQuantile(u)))
  return {
    avg_latency_ms: medianMs * shape.mean * Math.exp((shape.sd / shape.mean / Math.sqrt(n)) * noise),
    p95_latency_ms: at(u95),
    p99_latency_ms: at((below + middle) / sum),
  }
}
