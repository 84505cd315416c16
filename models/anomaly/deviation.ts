import type { LocalMinute } from '../seasonality/local-time.js'
import { scoreOf, type Chance } from './chance.js'
import { expectedAt, termOf, type Expectation } from './expectation.js'
import { isLatency, mapFeatures, type Feature, type Interval, type PerFeature } from './features.js'
import { chanceOf, fixedVariance, longRunVariance, spreadAt, type Noise } from './noise.js'
import {
  effectOf,
  fromScale,
  MAX_COUNT,
  MIN_SECONDS,
  poissonDeviance,
  requestsOf,
  toScale,
} from './scales.js'
import { tailBias } from './tail-noise.js'

export type Expectations = PerFeature<Expectation>

/** The deviation of a feature from its expected value. */
export interface FeatureDeviation {
  /** Signed, in standard deviations for this moment and this number of requests; 0 when not known. */
  readonly z: number
  /** Signed: the logarithm of the ratio to the expected value; for the error rate the difference of shares. */
  readonly effect: number
  /** Value minus expected value, on the scale of the feature; NaN when the value is not known. */
  readonly residual: number
  /** The expected value, and a standard deviation upwards and downwards, on the scale of the feature and interval. */
  readonly expected: number
  readonly sigmaUp: number
  readonly sigmaDown: number
  /** The share of both variances that the number of requests adds. */
  readonly sampled: number
  /** The standard deviations for sums over intervals, upwards and downwards, see `longRunVariance`. */
  readonly longRun: number
  readonly longRunDown: number
  /** Of a latency: the noise of the interval. */
  readonly chance: Chance | null
  /** Requests or errors that were counted; 0 for latencies. */
  readonly count: number
  /** Expected requests for traffic; measured requests for errors and latencies, or expected ones when there are none. */
  readonly requests: number
  /** The same in a row of the model; of the interval if that is shorter. */
  readonly perRow: number
}

export type Deviation = PerFeature<FeatureDeviation>

/** How far few requests move the expected value of a feature, on its scale. */
function biasOf(feature: Feature, { tail = 0 }: Noise, requests: number): number {
  return tail > 0 ? tailBias(feature, requests, tail) : 0
}

/** What a model expects of a row with the usual number of requests, on the scale of each feature. */
export function expectedOfRow(
  {
    expectations,
    intervalSeconds,
  }: { readonly expectations: Expectations; readonly intervalSeconds: number },
  moment: LocalMinute,
  expectedOf = expectedAt,
): Level {
  const traffic = expectedOf(expectations.requests_per_second, moment)
  const requests = fromScale('requests_per_second', traffic, intervalSeconds) * intervalSeconds
  return mapFeatures((feature) => {
    if (feature === 'requests_per_second') return traffic
    const expectation = expectations[feature]
    return expectedOf(expectation, moment) + biasOf(feature, expectation.noise, requests)
  })
}

/** The residual in standard deviations, without regard to the counts; NaN when the value is not known. */
export function modelZOf({ residual, sigmaUp, sigmaDown }: FeatureDeviation): number {
  return residual / (residual > 0 ? sigmaUp : sigmaDown)
}

/** The distance of a source's baseline from the model, on the scale of each feature; for traffic the logarithm of a share. */
export type Level = PerFeature<number>

export const NO_LEVEL: Level = mapFeatures(() => 0)
export const NO_SPREAD: PerFeature<number> = mapFeatures(() => 1)

/** A share beyond this is treated as this; its factor is still finite. */
const MAX_LEVEL = 100

/** The expected error rate is at least this, even when the history has no errors at all. */
export const MIN_ERROR_SHARE = 0.005

/**
 * The deviations of an interval from what is expected at its moment. One failure among three requests is not treated
 * as an error rate of 33 %: for traffic and errors, z is the smaller of the standardised residual and the signed root of
 * the Poisson deviance of the count (McCullagh and Nelder 1989, section 2.3). Counts of traffic that scatter k times as
 * much as Poisson counts have its deviance divided by k (section 9.3 there).
 *
 * Latencies and error rate are not known without requests, or when only traffic is to be judged; then z and effect are 0
 * and the residual is NaN. So are a latency of NaN, and a feature that the history did not
 * record.
 *
 * @param level the source's baseline, added to the expected values
 * @param spread factors on the model's standard deviations
 * @param modelSeconds length of the rows that the expectations are of
 * @param shift added to the expected values, on the scale of the feature and interval; see `expectedRange`
 * @param unshifted the deviation without any shift; what is not shifted is taken from it
 */
export function deviationOf(
  interval: Interval,
  moment: LocalMinute,
  expectations: Expectations,
  level: Level,
  spread: PerFeature<number> = NO_SPREAD,
  modelSeconds = 60,
  shift: Level = NO_LEVEL,
  unshifted: Deviation | null = null,
): Deviation {
  const requests = requestsOf(interval)
  const { seconds } = interval
  const rows = Math.max(seconds, MIN_SECONDS) / modelSeconds
  const minute = moment.minuteOfWeek
  let usualRequests = unshifted?.requests_per_second.requests ?? 0
  return mapFeatures((feature) => {
    if (unshifted !== null && shift[feature] === 0) return unshifted[feature]
    const expectation = expectations[feature]
    const ofModel =
      rows > 1
        ? averageExpected(feature, expectation, moment, seconds / 60, modelSeconds)
        : expectedAt(expectation, moment)
    const isTraffic = feature === 'requests_per_second'
    const ofSource = isTraffic
      ? sharedTraffic(ofModel, level[feature], modelSeconds, seconds)
      : ofModel + level[feature]
    const { noise } = expectation
    // Without requests, latencies and errors are expected as for the usual number of requests.
    const few = requests === 0 ? usualRequests : requests
    const expected = ofSource + shift[feature] + biasOf(feature, noise, few)
    if (isTraffic) usualRequests = Math.min(MAX_COUNT, fromScale(feature, expected, seconds) * seconds)
    const count = isTraffic ? usualRequests : few
    const factor = spread[feature] * spreadAt(noise, minute, rows)
    const fixed = fixedVariance(noise, rows)
    const term = termOf(feature, count, noise)
    const sampled = noise.sampling * term
    const sigma = factor * Math.sqrt(fixed + sampled)
    const sigmaUp = sigma * noise.up
    const sigmaDown = sigma * noise.down
    const seen = countOf(feature, interval, requests)
    const scaled = toScale(feature, interval[feature], seconds)
    const isSeen = isTraffic || (requests > 0 && !interval.trafficOnly && !Number.isNaN(scaled))
    const isKnown = expectation.isRecorded && isSeen
    const residual = isKnown ? scaled - expected : NaN
    // The lower tail of a few requests is long by nature. What the history shows beyond that is in the constant part.
    const longRun = longRunVariance(noise, rows)
    const chance = isLatency(feature) ? chanceOf(noise, fixed, term, factor, longRun) : null
    // The logarithm of a higher count varies less. For a rise, use the standard deviation half-way up.
    const sigmaOfRise =
      isTraffic && seen > count
        ? factor * noise.up * Math.sqrt(fixed + noise.sampling * termOf(feature, (count + seen) / 2, noise))
        : sigmaUp
    return {
      z: !isKnown
        ? 0
        : chance
          ? scoreOf(residual, chance)
          : standardised(feature, interval, residual, expected, sigmaOfRise, sigmaDown, noise.sampling),
      effect: isKnown ? effectOf(feature, scaled, expected) : 0,
      residual,
      expected,
      sigmaUp,
      sigmaDown,
      sampled: sampled / (fixed + sampled),
      longRun: factor * noise.up * Math.sqrt(longRun + sampled),
      longRunDown: factor * Math.sqrt(noise.down ** 2 * longRun + noise.up ** 2 * sampled),
      chance,
      count: seen,
      requests: count,
      perRow: count / Math.max(1, rows),
    }
  })
}

/** The most moments of a long interval that are averaged. */
const MAX_MOMENTS = 60

/** What the model expects of an interval that is longer than its rows: the mean of its moments; of traffic of the rates. */
function averageExpected(
  feature: Feature,
  expectation: Expectation,
  { day, minuteOfWeek }: LocalMinute,
  minutes: number,
  modelSeconds: number,
): number {
  const count = Math.min(MAX_MOMENTS, Math.ceil((minutes * 60) / modelSeconds))
  const isTraffic = feature === 'requests_per_second'
  let sum = 0
  for (let k = 0; k < count; k++) {
    const later = Math.floor((k * minutes) / count)
    const passed = Math.floor(((minuteOfWeek % 1440) + later) / 1440)
    const expected = expectedAt(expectation, {
      day: day + passed,
      minuteOfWeek: (minuteOfWeek + later) % 10_080,
    })
    sum += isTraffic ? fromScale(feature, expected, modelSeconds) : expected
  }
  return isTraffic ? toScale(feature, sum / count, modelSeconds) : sum / count
}

/**
 * The expected traffic of a source, on the scale of its intervals. The level is the logarithm of its share, which
 * multiplies the expected requests. Where none are expected, none are expected of any share.
 */
function sharedTraffic(expected: number, level: number, modelSeconds: number, seconds: number): number {
  if (level === 0 && seconds === modelSeconds) return expected
  const rate = fromScale('requests_per_second', expected, modelSeconds) * Math.exp(Math.min(level, MAX_LEVEL))
  return toScale('requests_per_second', rate, seconds)
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
  sampling: number,
): number {
  const z = residual / (residual > 0 ? sigmaUp : sigmaDown)
  if (feature === 'requests_per_second') {
    const usual = fromScale(feature, expected, interval.seconds) * interval.seconds
    const deviance = poissonDeviance(interval.requests_per_second * interval.seconds, usual)
    return smaller(z, deviance / Math.sqrt(sampling))
  }
  const requests = requestsOf(interval)
  const share = Math.max(fromScale(feature, expected), MIN_ERROR_SHARE)
  return smaller(z, poissonDeviance(requests * interval.error_rate, requests * share))
}

/** The one nearer to zero; 0 when the signs differ, as they may when the count is about the expected one. */
function smaller(a: number, b: number): number {
  if (Math.sign(a) !== Math.sign(b)) return 0
  return Math.abs(a) < Math.abs(b) ? a : b
}
