import type { Feature, PerFeature } from '../anomaly/features.js'

/**
 * Requests from which on a report is fully informative about a feature. A percentile needs enough requests to have one
 * beyond it. With fewer, it is the largest of them, and lower than it should be.
 */
export const INFORMATIVE_REQUESTS: PerFeature<number> = {
  requests_per_second: 0,
  avg_latency_ms: 20,
  p95_latency_ms: 40,
  p99_latency_ms: 200,
  error_rate: 20,
}

/** A percentile with a smaller weight than this is not learned from. */
export const MIN_WEIGHT = 0.25

/**
 * The weight of a report in learning a feature.
 * @param requests of the report, 0 or more
 * @returns 0 (nothing is learned) … 1
 */
export function weightOf(feature: Feature, requests: number): number {
  const informativeRequests = INFORMATIVE_REQUESTS[feature]
  const share = informativeRequests === 0 ? 1 : Math.min(1, requests / informativeRequests)
  return isPercentile(feature) && share < MIN_WEIGHT ? 0 : share
}

/** Whether the warm-up counts a report. A percentile of few requests is too low, so only full weight counts there. */
export function isInformative(feature: Feature, requests: number): boolean {
  const weight = weightOf(feature, requests)
  return isPercentile(feature) ? weight >= 1 : weight > 0
}

function isPercentile(feature: Feature): boolean {
  return feature === 'p95_latency_ms' || feature === 'p99_latency_ms'
}
