import { MIN_ERROR_SHARE } from '../anomaly/deviation.js'
import { fromScale } from '../anomaly/scales.js'
import type { Reading } from './cells.js'
import type { EndpointMinutes } from './minutes.js'

/**
 * A feature of an endpoint, minute by minute, as it is compared with an expectation. Traffic is compared as the logarithm
 * of requests a minute, latencies and errors on the scales of `toScale`.
 */
export interface ObservedFeature extends Reading {
  /** The sums of a minute at an expected value: what was seen, and what it is compared with; NaN when not known. */
  readonly seen: (minute: number, expected: number) => number
  readonly weight: (minute: number, expected: number) => number
}

/** Requests that count as none when two rates are compared. */
const HALF = 0.5

/** Expected requests in an hour from which on its traffic tells something. */
const MIN_REQUESTS = 0.5

/** Counts of requests, compared with expected counts: as a Poisson count, whose logarithm has the variance 1 / λ. */
export function observedTraffic({ requests }: EndpointMinutes): ObservedFeature {
  return {
    seen: (minute) => requests[minute]!,
    weight: (_, expected) => Math.exp(expected),
    deviation: (seen, expected) => Math.log((seen + HALF) / (expected + HALF)),
    variance: (expected) => 1 / (expected + HALF),
    isRelative: false,
    min: MIN_REQUESTS,
  }
}

/** Requests from which on a minute counts fully: the rest of its noise does not depend on their number. */
const FULL_REQUESTS = 20

/**
 * Means of the residuals of latencies, weighted by their requests.
 * @param least requests of a minute, at least; a percentile of few requests is another one
 */
export function observedLatency(
  { requests }: EndpointMinutes,
  values: Float64Array,
  least: number,
): ObservedFeature {
  const weights = requests.map((n) => (n >= least ? (n * FULL_REQUESTS) / (n + FULL_REQUESTS) : NaN))
  return {
    seen: (minute, expected) => weights[minute]! * (values[minute]! - expected),
    weight: (minute) => weights[minute]!,
    deviation: (seen, weight) => seen / weight,
    variance: (weight) => 1 / weight,
    isRelative: true,
    min: 0,
  }
}

/** Failures beyond the expected share, on the scale of errors (Fisher's scoring, as the baseline of a stream learns). */
export function observedErrors({ requests, failed }: EndpointMinutes): ObservedFeature {
  return {
    seen: (minute, expected) => {
      const share = fromScale('error_rate', expected)
      const slope = 2 * Math.sqrt(Math.max(share, MIN_ERROR_SHARE) * Math.max(1 - share, MIN_ERROR_SHARE))
      return (failed[minute]! - requests[minute]! * share) / slope
    },
    weight: (minute) => requests[minute]!,
    deviation: (seen, requestsOf) => seen / requestsOf,
    variance: (requestsOf) => 1 / (4 * requestsOf),
    isRelative: false,
    min: MIN_REQUESTS,
  }
}
