import { mapFeatures, type PerFeature } from './features.js'

/** The strongest bad deviations, in robust deviations, not negative. */
export interface Strengths {
  readonly traffic: number
  readonly latency: number
  readonly errors: number
}

/** The part of the deviations that is bad: traffic either way, latency and errors upwards. Not negative. */
export function badDeviations(deviation: PerFeature<number>): PerFeature<number> {
  return mapFeatures((feature) =>
    feature === 'requests_per_second' ? Math.abs(deviation[feature]) : Math.max(0, deviation[feature]),
  )
}

/** Bad deviations by kind: the three latencies say much the same, so the strongest stands for them. */
export function strengthsOf(bad: PerFeature<number>): Strengths {
  return {
    traffic: bad.requests_per_second,
    latency: Math.max(bad.avg_latency_ms, bad.p95_latency_ms, bad.p99_latency_ms),
    errors: bad.error_rate,
  }
}

/** Columns of the matrix that the forest is fitted on and asked about. */
export const FOREST_COLUMNS = 4

/**
 * Writes what the forest sees of an interval: traffic (signed), latency, errors, and the strongest of them,
 * each as ±ln(1 + |deviation|). A forest picks its split features at random, so that what is far off in one
 * of five columns often goes unasked; in two of four it is found soon.
 *
 * @param matrix `[nRows, FOREST_COLUMNS]`, row-major
 */
export function writeForestRow(deviation: PerFeature<number>, matrix: Float64Array, row: number): void {
  const { traffic, latency, errors } = strengthsOf(badDeviations(deviation))
  const start = row * FOREST_COLUMNS
  matrix[start] = Math.sign(deviation.requests_per_second) * Math.log1p(traffic)
  matrix[start + 1] = Math.log1p(latency)
  matrix[start + 2] = Math.log1p(errors)
  matrix[start + 3] = Math.log1p(Math.max(traffic, latency, errors))
}
