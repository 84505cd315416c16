import type { Feature, Interval } from './features.js'

/** No traffic is larger than this, in any feature's unit. */
const MAX_VALUE = 1e12

/** No interval is shorter. */
const MIN_SECONDS = 0.001

/** Half a request, so that a minute without any has a logarithm. */
export const HALF = 0.5

export const ADDED_MS = 0.05

/**
 * The scale on which a feature deviates evenly up and down: logarithms of traffic (requests a minute and a half) and
 * of latencies, and for the error rate the arcsine of the root, whose spread depends on the number of requests alone
 * (Anscombe 1948, "The transformation of Poisson, binomial and negative-binomial data").
 */
export function toScale(feature: Feature, value: number, seconds = 60): number {
  const bounded = Math.min(Math.max(value, 0), MAX_VALUE)
  if (feature === 'requests_per_second')
    return Math.log(bounded * 60 + (HALF * 60) / Math.max(seconds, MIN_SECONDS))
  if (feature === 'error_rate') return Math.asin(Math.sqrt(Math.min(1, bounded)))
  return Math.log(bounded + ADDED_MS)
}

/** The value of a feature, in its unit. */
export function fromScale(feature: Feature, scaled: number): number {
  if (feature === 'requests_per_second') return Math.max(0, Math.exp(scaled) - HALF) / 60
  if (feature === 'error_rate') return Math.sin(Math.min(Math.PI / 2, Math.max(0, scaled))) ** 2
  return Math.max(0, Math.exp(scaled) - ADDED_MS)
}

/**
 * What multiplies the sampling variance of a feature on its scale: of a count 1 / λ, of a share 1 / 4n, of a mean or
 * a percentile a constant over n.
 *
 * @param requests expected ones of traffic, measured ones of everything else
 */
export function samplingTerm(feature: Feature, requests: number): number {
  if (feature === 'requests_per_second') return 1 / (requests + HALF)
  if (feature === 'error_rate') return 1 / (4 * Math.max(requests, HALF))
  return 1 / Math.max(requests, 1)
}

/** How far a value lies from the expected one as people say it: a ratio's logarithm, or a difference of shares. */
export function effectOf(feature: Feature, scaled: number, expected: number): number {
  if (feature !== 'error_rate') return scaled - expected
  return fromScale(feature, scaled) - fromScale(feature, expected)
}

/** Requests of an interval, as far as arithmetic with them stays finite. */
export function requestsOf({ requests }: Interval): number {
  return Math.min(Math.max(requests, 0), MAX_VALUE)
}
