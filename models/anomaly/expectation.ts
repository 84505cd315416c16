import { mad } from '../statistics/mad.js'
import { quantile } from '../statistics/quantile.js'
import type { Feature } from './features.js'

/** The usual value of a feature, and how far from it one robust deviation reaches. */
export interface Expectation {
  /** In the feature's unit. */
  readonly value: number
  /** One robust deviation upwards, in the feature's unit, above 0. */
  readonly up: number
  /** One robust deviation downwards, as a difference of logarithms, above 0. */
  readonly down: number
}

/** What a normal distribution's standard deviation is in units of its median absolute deviation. */
const SIGMAS_PER_MAD = 1.4826

/** Deviations smaller than this share of the usual value never matter, however steady the history. */
const LEAST_SHARE = 0.1

/** As LEAST_SHARE, in the feature's own unit; of traffic, one request a minute. */
const LEAST: Readonly<Record<Feature, number>> = {
  requests_per_second: 1 / 60,
  avg_latency_ms: 1,
  p95_latency_ms: 1,
  p99_latency_ms: 1,
  error_rate: 0.01,
}

/**
 * The usual value of a feature: the median, with a scale on either side. Upwards the scale is
 * 1.4826 × MAD of the values, or what their 90th percentile says where that is wider (latencies and error
 * rates lean to the right, and an error rate that is mostly zero has no MAD at all). Downwards it is
 * 1.4826 × MAD of the logarithms, for a drop to a tenth is as remarkable as a rise to tenfold, which no
 * difference shows. Both have a floor, so that a history without any spread does not make every change an event.
 * Traffic or a latency that is 0 throughout was not recorded: its scale is so wide that no value ever matters.
 *
 * @param feature which one; it decides the floor
 * @param values at least one, finite and not negative
 * @throws RangeError when values is empty
 */
export function fitExpectation(feature: Feature, values: Float64Array): Expectation {
  if (feature !== 'error_rate' && values.every((each) => each === 0)) return NOT_RECORDED
  const value = quantile(values, 0.5) // RangeError when empty
  const spread = Math.max(SIGMAS_PER_MAD * mad(values, value), LEAST_SHARE * value, LEAST[feature])
  const tail = (quantile(values, 0.9) - value) / NORMAL_Q90
  const logRatios = values.map((each) => logRatio(each, value))
  return {
    value,
    up: Math.max(spread, Math.min(tail, MOST_TAIL * spread)),
    down: Math.max(SIGMAS_PER_MAD * mad(logRatios, 0), LEAST_SHARE),
  }
}

/** The largest sample there may be is one such deviation away. */
const NOT_RECORDED: Expectation = { value: 0, up: 1e12, down: 1e12 }

/** The 90th percentile of the standard normal distribution. */
const NORMAL_Q90 = 1.2816

/** How far a long right tail may widen the scale, so that a tenth of incidents cannot hide themselves. */
const MOST_TAIL = 3

/**
 * Signed distance from the usual value in robust deviations: linear above it, logarithmic below it.
 * It grows with x without end above; below it ends where x is 0.
 */
export function robustDeviation(x: number, { value, up, down }: Expectation): number {
  return x >= value ? (x - value) / up : logRatio(x, value) / down
}

/** The value that lies some robust deviations above (positive) or below (negative) the usual one. */
export function valueAt(deviations: number, { value, up, down }: Expectation): number {
  if (deviations >= 0) return value + deviations * up
  return Math.max(0, (1 + RESOLUTION) * value * Math.exp(deviations * down) - RESOLUTION * value)
}

/** ln(x / value), levelling off at a thousandth of the usual value; 0 where both are 0. */
function logRatio(x: number, value: number): number {
  if (value === 0) return x === 0 ? 0 : Math.log(1 / RESOLUTION)
  return Math.log((x / value + RESOLUTION) / (1 + RESOLUTION))
}

const RESOLUTION = 0.001
