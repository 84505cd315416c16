import type { Feature, PerFeature } from '../anomaly/features.js'
import { isPercentile } from '../anomaly/tail-noise.js'

/**
 * Requests from which on a report is fully informative about a feature. For traffic they are the expected ones. A percentile needs enough requests to have one
 * beyond it. With fewer, it is the largest of them, and lower than it should be.
 */
export const INFORMATIVE_REQUESTS: PerFeature<number> = {
  requests_per_second: 10,
  avg_latency_ms: 20,
  p95_latency_ms: 40,
  p99_latency_ms: 200,
  error_rate: 20,
}

/** A percentile with a smaller weight than this is not learned from. */
export const MIN_WEIGHT = 0.25

/**
 * The weight of a report in learning a feature. A count of λ expected requests has a relative variance of 1 / λ. The gain
 * of the Kalman filter of a slowly wandering level falls with the root of the variance (West and Harrison 1997, section
 * 2.3), so the weight of a count is the root of its share. Quiet nights therefore hardly move the level of the day.
 *
 * @param requests of the report, 0 or more; for traffic the expected ones
 * @returns 0 (nothing is learned) … 1
 */
export function weightOf(feature: Feature, requests: number): number {
  const share = Math.min(1, requests / INFORMATIVE_REQUESTS[feature])
  if (feature === 'requests_per_second') return Math.sqrt(share)
  return isPercentile(feature) && share < MIN_WEIGHT ? 0 : share
}

/** Whether the warm-up counts a report. A percentile of few requests is too low, so only full weight counts there. */
export function isInformative(feature: Feature, requests: number): boolean {
  if (feature === 'requests_per_second') return true
  const weight = weightOf(feature, requests)
  return isPercentile(feature) ? weight >= 1 : weight > 0
}
