import { MIN_SIGMA, POOLED_REQUESTS } from '../anomaly/expectation.js'
import { isLatency, type Feature } from '../anomaly/features.js'
import { fitNoise, type Noise, type Scatter } from '../anomaly/noise.js'
import { HALF, samplingTerm, toScale } from '../anomaly/scales.js'
import { quantile } from '../statistics/quantile.js'
import type { Clock } from './clock.js'
import type { EndpointMinutes } from './minutes.js'

/** One hour in so many is used: prime to the hours of a day and of a week, so that all have their turn. */
const HOUR_STRIDE = 5

/**
 * The noise of a feature about its expected values, from a fifth of the hours.
 *
 * @param expected on the scale of the feature, for each minute of the clock
 * @param values on the same scale; NaN when not known
 */
export function endpointNoise(
  feature: Feature,
  clock: Clock,
  { requests, failed, first }: EndpointMinutes,
  values: Float64Array,
  expected: Float64Array,
): { readonly noise: Noise; readonly minutes: number } {
  const isTraffic = feature === 'requests_per_second'
  const used: number[] = []
  for (let i = first; i < clock.nMinutes; i++) {
    if (Math.floor(i / 60) % HOUR_STRIDE === 0 && !Number.isNaN(values[i]!)) used.push(i)
  }
  const minuteOf = (i: number) => clock.days[i]! * 1440 + (clock.minutesOfWeek[i]! % 1440)
  const termOf = (i: number) =>
    samplingTerm(feature, isTraffic ? Math.exp(expected[i]!) - HALF : requests[i]!)
  const scatter: Scatter = {
    residuals: mapped(used, (i) => values[i]! - expected[i]!),
    terms: mapped(used, termOf),
    minutes: mapped(used, minuteOf),
    learnsFar: isLatency(feature),
  }
  const least = { sigma: MIN_SIGMA[feature], sampling: isTraffic || feature === 'error_rate' ? 1 : 0 }
  const pools = feature === 'error_rate' ? errorPools(used, requests, failed, expected, minuteOf) : scatter
  return { noise: fitNoise(scatter, least, pools), minutes: used.length * HOUR_STRIDE }
}

/** As `Float64Array.from`, many times as fast. */
function mapped(indexes: readonly number[], value: (i: number) => number): Float64Array {
  const values = new Float64Array(indexes.length)
  for (let k = 0; k < values.length; k++) values[k] = value(indexes[k]!)
  return values
}

/** Errors of neighbouring minutes, pooled until they rest on enough requests; see `POOLED_REQUESTS`. */
function errorPools(
  used: readonly number[],
  requests: Float64Array,
  failed: Float64Array,
  expected: Float64Array,
  minuteOf: (i: number) => number,
): Scatter {
  const [residuals, terms, minutes]: [number[], number[], number[]] = [[], [], []]
  let [n, errors, usual] = [0, 0, 0]
  for (const i of used) {
    n += requests[i]!
    errors += failed[i]!
    usual += requests[i]! * expected[i]!
    if (n < POOLED_REQUESTS.error_rate) continue
    residuals.push(toScale('error_rate', errors / n) - usual / n)
    terms.push(samplingTerm('error_rate', n))
    minutes.push(minuteOf(i))
    ;[n, errors, usual] = [0, 0, 0]
  }
  return {
    residuals: Float64Array.from(residuals),
    terms: Float64Array.from(terms),
    minutes: Float64Array.from(minutes),
  }
}

/** Minutes with which an endpoint's own noise counts half. */
const HALF_OWN_MINUTES = 720

/** The noise that is typical of endpoints: the median of each part. @throws RangeError without any */
export function typicalNoise(noises: readonly Noise[]): Noise {
  const middle = (part: (noise: Noise) => number) => Math.fround(quantile(noises.map(part), 0.5))
  return {
    ...withFar(middle(({ far = 0 }) => far)),
    sigma: middle(({ sigma }) => sigma),
    sampling: middle(({ sampling }) => sampling),
    memory: middle(({ memory }) => memory),
    up: middle(({ up }) => up),
    down: middle(({ down }) => down),
    hours: new Float64Array(24).fill(1),
    minutes: new Float64Array(60).fill(1),
  }
}

/** Single rows far above the expected value; see `Noise`. */
function withFar(far: number): Pick<Noise, 'far'> {
  return far > 0 ? { far } : {}
}

/**
 * An endpoint's noise, shrunk towards the typical one: its own counts by the minutes that it rests on (empirical Bayes, as
 * for the variances of many small groups: Smyth 2004, "Linear models and empirical Bayes methods").
 */
export function shrunkNoise(own: Noise, minutes: number, typical: Noise): Noise {
  const share = minutes / (minutes + HALF_OWN_MINUTES)
  const geometric = (a: number, b: number) =>
    Math.fround(Math.exp(share * Math.log(a) + (1 - share) * Math.log(b)))
  const factors = (values: Float64Array) => values.map((value) => geometric(value, 1))
  return {
    ...withFar(Math.fround(share * (own.far ?? 0) + (1 - share) * (typical.far ?? 0))),
    sigma: geometric(own.sigma, typical.sigma),
    sampling: Math.fround(share * own.sampling + (1 - share) * typical.sampling),
    memory: Math.fround(share * own.memory + (1 - share) * typical.memory),
    up: geometric(own.up, typical.up),
    down: geometric(own.down, typical.down),
    hours: factors(own.hours),
    minutes: factors(own.minutes),
  }
}
