import type { Feature, Interval } from './features.js'

/** Larger values are treated as this, in any feature's unit. */
const MAX_VALUE = 1e12

/** Shorter intervals are treated as this. */
export const MIN_SECONDS = 0.001

/** Requests added to those of an interval, so that an interval without requests has a logarithm. */
export const HALF = 0.5

/** Milliseconds added to a latency, for the same reason. */
export const ADDED_MS = 0.05

/**
 * A feature's value on the scale on which it varies about evenly up and down. Traffic and latencies have logarithms. The
 * error rate has the arcsine of the square root, whose variance depends on the number of requests alone (Anscombe 1948,
 * "The transformation of Poisson, binomial and negative-binomial data").
 *
 * @param value in the feature's unit; limited to 0…1e12. NaN gives NaN
 * @param seconds length of the interval
 */
export function toScale(feature: Feature, value: number, seconds = 60): number {
  const bounded = Math.min(Math.max(value, 0), MAX_VALUE)
  if (feature === 'requests_per_second')
    return Math.log(bounded * 60 + (HALF * 60) / Math.max(seconds, MIN_SECONDS))
  if (feature === 'error_rate') return Math.asin(Math.sqrt(Math.min(1, bounded)))
  return Math.log(bounded + ADDED_MS)
}

/** The inverse of {@link toScale}: a value in the feature's unit, 0 or more. */
export function fromScale(feature: Feature, scaled: number, seconds = 60): number {
  if (feature === 'requests_per_second')
    return Math.max(0, Math.exp(scaled) / 60 - HALF / Math.max(seconds, MIN_SECONDS))
  if (feature === 'error_rate') return Math.sin(Math.min(Math.PI / 2, Math.max(0, scaled))) ** 2
  return Math.max(0, Math.exp(scaled) - ADDED_MS)
}

/**
 * The sampling term of a feature: its variance on its scale because of the number of requests, up to a factor. It is 1 / λ
 * for a count, 1 / 4n for a share, and 1 / n for a mean or a percentile.
 *
 * @param requests expected ones for traffic, measured ones otherwise
 */
export function samplingTerm(feature: Feature, requests: number): number {
  if (feature === 'requests_per_second') return 1 / (requests + HALF)
  if (feature === 'error_rate') return 1 / (4 * Math.max(requests, HALF))
  return 1 / Math.max(requests, 1)
}

/** The size of a deviation: the logarithm of a ratio, or for the error rate a difference of shares. */
export function effectOf(feature: Feature, scaled: number, expected: number): number {
  if (feature !== 'error_rate') return scaled - expected
  return fromScale(feature, scaled) - fromScale(feature, expected)
}

/** Requests of an interval, limited to 0…1e12 so that sums stay finite. */
export function requestsOf({ requests }: Interval): number {
  return Math.min(Math.max(requests, 0), MAX_VALUE)
}

/** Larger counts are treated as this. */
export const MAX_COUNT = 1e15

/** The signed square root of the Poisson deviance of a count k whose mean should be mu. */
export function poissonDeviance(k: number, mu: number): number {
  const mean = Math.min(MAX_COUNT, Math.max(mu, 1e-9))
  const count = Math.min(k, MAX_COUNT)
  const deviance = 2 * ((count > 0 ? count * Math.log(count / mean) : 0) - (count - mean))
  return Math.sign(count - mean) * Math.sqrt(Math.max(0, deviance))
}
