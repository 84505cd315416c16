import type { LocalMinute } from '../seasonality/local-time.js'
import { expectedAt, type Expectation } from './expectation.js'
import { mapFeatures, type Feature, type Interval, type PerFeature } from './features.js'
import { longRunSigmaAt, sigmaAt } from './noise.js'
import { effectOf, fromScale, requestsOf, samplingTerm, toScale } from './scales.js'

export type Expectations = PerFeature<Expectation>

/** The deviation of a feature from its expected value. */
export interface FeatureDeviation {
  /** Signed, in standard deviations for this moment and this number of requests; 0 when not known. */
  readonly z: number
  /** Signed: the logarithm of the ratio to the expected value; for the error rate the difference of shares. */
  readonly effect: number
  /** Value minus expected value, on the scale of the feature; NaN when the value is not known. */
  readonly residual: number
  /** The expected value, and a standard deviation upwards and downwards, on the scale of the feature. */
  readonly expected: number
  readonly sigmaUp: number
  readonly sigmaDown: number
  /** The standard deviation for sums over minutes, see `longRunSigmaAt`. */
  readonly longRun: number
  /** Requests or errors that were counted; 0 for latencies. */
  readonly count: number
  /** Expected requests for traffic; measured requests for errors and latencies, or expected ones when there are none. */
  readonly requests: number
}

export type Deviation = PerFeature<FeatureDeviation>

/** The residual in standard deviations, without regard to the counts; NaN when the value is not known. */
export function modelZOf({ residual, sigmaUp, sigmaDown }: FeatureDeviation): number {
  return residual / (residual > 0 ? sigmaUp : sigmaDown)
}

/** The distance of a source's baseline from the model, on the scale of each feature. */
export type Level = PerFeature<number>

export const NO_LEVEL: Level = mapFeatures(() => 0)
export const NO_SPREAD: PerFeature<number> = mapFeatures(() => 1)

/** Larger counts are treated as this. */
const MAX_COUNT = 1e15

/** The expected error rate is at least this, even when the history has no errors at all. */
export const MIN_ERROR_SHARE = 0.005

/**
 * The deviations of an interval from what is expected at its moment. One failure among three requests is not treated
 * as an error rate of 33 %: for traffic and errors, z is the smaller of the standardised residual and the signed root of
 * the Poisson deviance of the count (McCullagh and Nelder 1989, section 2.3).
 *
 * Latencies and error rate are not known without requests, or when only traffic is to be judged; then z and effect are 0
 * and the residual is NaN. So are a latency of NaN, and a feature that the history did not
 * record.
 *
 * @param level the source's baseline, added to the expected values
 * @param spread factors on the model's standard deviations
 */
export function deviationOf(
  interval: Interval,
  moment: LocalMinute,
  expectations: Expectations,
  level: Level,
  spread: PerFeature<number> = NO_SPREAD,
): Deviation {
  const requests = requestsOf(interval)
  const minute = moment.minuteOfWeek
  let usualRequests = 0
  return mapFeatures((feature) => {
    const expectation = expectations[feature]
    const expected = expectedAt(expectation, moment) + level[feature]
    const isTraffic = feature === 'requests_per_second'
    if (isTraffic) usualRequests = Math.min(MAX_COUNT, fromScale(feature, expected) * interval.seconds)
    // Without requests, latencies and errors are expected as for the usual number of requests.
    const count = isTraffic || requests === 0 ? usualRequests : requests
    const { noise } = expectation
    const sigmaOf = (n: number) => spread[feature] * sigmaAt(noise, samplingTerm(feature, n), minute)
    const sigma = sigmaOf(count)
    const [sigmaUp, sigmaDown] = [sigma * noise.up, sigma * noise.down]
    const seen = countOf(feature, interval, requests)
    const scaled = toScale(feature, interval[feature], interval.seconds)
    const isSeen = isTraffic || (requests > 0 && !interval.trafficOnly && !Number.isNaN(scaled))
    const isKnown = expectation.isRecorded && isSeen
    const residual = isKnown ? scaled - expected : NaN
    // The logarithm of a higher count varies less. For a rise, use the standard deviation half-way up.
    const midway = isTraffic ? (count + seen) / 2 : count
    const sigmaOfRise = midway > count ? sigmaOf(midway) * noise.up : sigmaUp
    return {
      z: isKnown ? standardised(feature, interval, residual, expected, sigmaOfRise, sigmaDown) : 0,
      effect: isKnown ? effectOf(feature, scaled, expected) : 0,
      residual,
      expected,
      sigmaUp,
      sigmaDown,
      longRun: spread[feature] * noise.up * longRunSigmaAt(noise, samplingTerm(feature, count), minute),
      count: seen,
      requests: count,
    }
  })
}

function countOf(feature: Feature, interval: Interval, requests: number): number {
  if (feature === 'requests_per_second')
    return Math.min(MAX_COUNT, interval.requests_per_second * interval.seconds)
  return feature === 'error_rate' ? requests * interval.error_rate : 0
}

function standardised(
  feature: Feature,
  interval: Interval,
  residual: number,
  expected: number,
  sigmaUp: number,
  sigmaDown: number,
): number {
  const z = residual / (residual > 0 ? sigmaUp : sigmaDown)
  if (feature === 'requests_per_second') {
    const usual = fromScale(feature, expected) * interval.seconds
    return smaller(z, poissonDeviance(interval.requests_per_second * interval.seconds, usual))
  }
  if (feature !== 'error_rate') return z
  const requests = requestsOf(interval)
  const share = Math.max(fromScale(feature, expected), MIN_ERROR_SHARE)
  return smaller(z, poissonDeviance(requests * interval.error_rate, requests * share))
}

/** Signed square root of the Poisson deviance of a count k whose mean should be mu. */
function poissonDeviance(k: number, mu: number): number {
  const mean = Math.min(MAX_COUNT, Math.max(mu, 1e-9))
  const count = Math.min(k, MAX_COUNT)
  const deviance = 2 * ((count > 0 ? count * Math.log(count / mean) : 0) - (count - mean))
  return Math.sign(count - mean) * Math.sqrt(Math.max(0, deviance))
}

/** The one nearer to zero; 0 when the signs differ, as they may when the count is about the expected one. */
function smaller(a: number, b: number): number {
  if (Math.sign(a) !== Math.sign(b)) return 0
  return Math.abs(a) < Math.abs(b) ? a : b
}
