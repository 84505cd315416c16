import { MIN_ERROR_SHARE } from '../anomaly/deviation.js'
import { fromScale } from '../anomaly/scales.js'
import type { Reading } from './cells.js'
import type { EndpointMinutes } from './minutes.js'

/**
 * A feature of an endpoint, minute by minute, as it is compared with an expectation. Traffic is compared as the logarithm
 * of requests a minute, latencies and errors on the scales of `toScale`.
 */
export interface ObservedFeature extends Reading {
  /**
   * Adds each minute that is known to the sums of its cell: what was seen, and what it is compared with.
   *
   * @param expected by minute
   * @param first the minute that it begins with
   * @param cells by minute; a minute with a cell below 0 is left out
   */
  readonly addTo: (sums: Sums, expected: Float64Array, first: number, cells: Int32Array) => void
  /** Whether its hours differ so much that one day shows more of them than none. */
  readonly isCount: boolean
}

/** By cell. */
export interface Sums {
  readonly seen: Float64Array
  readonly expected: Float64Array
}

/** Requests that count as none when two rates are compared. */
const HALF = 0.5

/** Expected requests in an hour from which on its traffic tells something. */
const MIN_REQUESTS = 0.5

/** Counts of requests, compared with expected counts: as a Poisson count, whose logarithm has the variance 1 / λ. */
export function observedTraffic({ requests }: EndpointMinutes): ObservedFeature {
  // Most scales change few of the expected values.
  const logs = new Float64Array(requests.length).fill(NaN)
  const rates = new Float64Array(requests.length)
  return {
    addTo: (sums, expected, first, cells) => {
      for (let i = first; i < requests.length; i++) {
        const n = requests[i]!
        const cell = cells[i]!
        if (!(n >= 0) || cell < 0) continue
        const log = expected[i]!
        if (log !== logs[i]) {
          logs[i] = log
          rates[i] = Math.exp(log)
        }
        sums.seen[cell]! += n
        sums.expected[cell]! += rates[i]!
      }
    },
    deviation: (seen, expected) => Math.log((seen + HALF) / (expected + HALF)),
    variance: (expected) => 1 / (expected + HALF),
    isCount: true,
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
  const weights = requests.map((n) => (n >= least ? (n * FULL_REQUESTS) / (n + FULL_REQUESTS) : 0))
  return {
    addTo: (sums, expected, first, cells) => {
      for (let i = first; i < weights.length; i++) {
        const weight = weights[i]!
        const cell = cells[i]!
        const value = values[i]!
        if (weight === 0 || cell < 0 || Number.isNaN(value)) continue
        sums.seen[cell]! += weight * (value - expected[i]!)
        sums.expected[cell]! += weight
      }
    },
    deviation: (seen, weight) => seen / weight,
    variance: (weight) => 1 / weight,
    isCount: false,
    isRelative: true,
    min: 0,
  }
}

/** Failures beyond the expected share, on the scale of errors (Fisher's scoring, as the baseline of a stream learns). */
export function observedErrors({ requests, failed }: EndpointMinutes): ObservedFeature {
  return {
    addTo: (sums, expected, first, cells) => {
      let [usual, share, slope] = [NaN, 0, 1]
      for (let i = first; i < requests.length; i++) {
        const n = requests[i]!
        const cell = cells[i]!
        if (!(n >= 0) || cell < 0) continue
        // Most minutes are expected to be like the one before.
        if (expected[i] !== usual) {
          usual = expected[i]!
          share = fromScale('error_rate', usual)
          slope = 2 * Math.sqrt(Math.max(share, MIN_ERROR_SHARE) * Math.max(1 - share, MIN_ERROR_SHARE))
        }
        sums.seen[cell]! += (failed[i]! - n * share) / slope
        sums.expected[cell]! += n
      }
    },
    deviation: (seen, requestsOf) => seen / requestsOf,
    variance: (requestsOf) => 1 / (4 * requestsOf),
    isCount: false,
    isRelative: false,
    min: MIN_REQUESTS,
  }
}
