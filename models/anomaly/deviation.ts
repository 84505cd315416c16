import { mapFeatures, type Interval, type PerFeature } from './features.js'
import { robustDeviation, type Expectation } from './expectation.js'

export type Expectations = PerFeature<Expectation>

/**
 * Signed deviations of an interval from the usual, in robust deviations, each only as far as the number of
 * requests bears it out: two failures among three requests are no sixty percent of errors, and a gateway
 * with a request every ten seconds has not tripled its traffic when three come at once.
 *
 * - Traffic and error rate: the smaller of the robust deviation and the signed root of the Poisson deviance
 *   of the count (McCullagh and Nelder 1989, section 2.3), which is about a standard normal.
 * - Latency above the usual: shrunk by √(n / n₀) when the interval has n requests instead of the usual n₀, as
 *   the spread of a mean of n values grows.
 * - Of an interval whose traffic alone is to be judged, latencies and error rate do not deviate at all.
 *
 * @returns one finite number a feature; positive above the usual value
 */
export function deviations(interval: Interval, expected: Expectations): PerFeature<number> {
  const { seconds } = interval
  const requests = bounded(interval.requests)
  const usualRequests = expected.requests_per_second.value * seconds
  const borneOut = Math.sqrt(Math.min(1, requests / Math.max(usualRequests, 1)))
  return mapFeatures((feature) => {
    const value = bounded(interval[feature])
    const deviation = robustDeviation(value, expected[feature])
    if (feature === 'requests_per_second') {
      return smaller(deviation, poissonDeviance(value * seconds, usualRequests))
    }
    if (interval.trafficOnly) return 0
    if (feature !== 'error_rate') return deviation > 0 ? deviation * borneOut : deviation
    const usualShare = Math.max(expected.error_rate.value, LEAST_ERROR_SHARE)
    return smaller(deviation, poissonDeviance(requests * value, requests * usualShare))
  })
}

/** Keeps the arithmetic finite, whatever is asked. */
const bounded = (value: number): number => Math.min(value, LARGEST)

const LARGEST = 1e15

/** The error rate that is taken for usual where the history has no errors at all. */
const LEAST_ERROR_SHARE = 0.005

/** Signed square root of the Poisson deviance of a count k whose mean should be mu. */
function poissonDeviance(k: number, mu: number): number {
  const mean = Math.max(mu, 1e-9)
  const deviance = 2 * ((k > 0 ? k * Math.log(k / mean) : 0) - (k - mean))
  return Math.sign(k - mean) * Math.sqrt(Math.max(0, deviance))
}

/** The one nearer to zero; both have the same sign but where the count is about the usual one. */
function smaller(a: number, b: number): number {
  if (Math.sign(a) !== Math.sign(b)) return 0
  return Math.abs(a) < Math.abs(b) ? a : b
}
