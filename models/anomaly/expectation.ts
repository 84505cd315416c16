import { fitRhythm, refitRhythm, smoothUsualAt, usualAt, type Usual } from '../seasonality/fit-rhythm.js'
import { slotOf, SLOTS, type Rhythm } from '../seasonality/rhythm.js'
import type { LocalMinute } from '../seasonality/local-time.js'
import type { Moments } from '../seasonality/season.js'
import { isLatency, type Feature } from './features.js'
import { fitNoise, scoreAt, type Noise, type Scatter } from './noise.js'
import { HALF, poissonDeviance, samplingTerm, toScale } from './scales.js'
import { tailBias, tailShape } from './tail-noise.js'

/** The usual value of a feature at each moment, and its noise; on the scale of {@link toScale}. */
export interface Expectation {
  readonly usual: Usual
  readonly noise: Noise
  /** False when it was 0 or unknown in every minute: it was not recorded, and is not judged. */
  readonly isRecorded: boolean
}

/** A feature row by row, in order of time. */
export interface FeatureHistory extends Omit<Moments, 'values' | 'rowMinutes'> {
  /** Minutes that each row lasts. */
  readonly rowMinutes: number
  /** `[nRows]`, in the feature's unit; NaN when not known. */
  readonly values: Float64Array
  readonly requests: Float64Array
  /** Of a percentile: its tail index, see `tailIndexOf`; 0 when it is not known. */
  readonly tail: number
}

/** The smallest standard deviations, however calm the history. */
export const MIN_SIGMA: Readonly<Record<Feature, number>> = {
  requests_per_second: 0.03,
  avg_latency_ms: 0.03,
  p95_latency_ms: 0.03,
  p99_latency_ms: 0.03,
  error_rate: 0.005,
}

/** The smallest sampling factors: those of a Poisson count and of a binomial share. */
const MIN_SAMPLING: Readonly<Record<Feature, number>> = {
  requests_per_second: 1,
  avg_latency_ms: 0,
  p95_latency_ms: 0,
  p99_latency_ms: 0,
  error_rate: 1,
}

/** Neighbouring rows are pooled up to this many requests, since a share of two requests is 0, 50 or 100 %. */
export const POOLED_REQUESTS = { requests_per_second: 30, error_rate: 300 }

/** The most minutes that are pooled. */
export const MAX_POOL_MINUTES = 60

/**
 * Fits the usual value of a feature at each moment, and its noise. Minutes that are far off in a first fit are left out of
 * the second. O(n log n).
 *
 * @throws RangeError without a minute
 */
export function fitExpectation(feature: Feature, history: FeatureHistory): Expectation {
  const { values, days, minutesOfWeek, rowMinutes } = history
  if (values.length === 0) throw new RangeError('An expectation needs at least one row.')
  const isRecorded = feature === 'error_rate' || values.some((value) => value > 0)
  const moments = { values: pooled(feature, history), days, minutesOfWeek, rowMinutes }
  const scaled = unbiased(feature, history)
  const first = fitRhythm(moments)
  const about = noiseAbout(feature, first, scaled, history)
  const isHabit = habits(about.z, minutesOfWeek, first.season.rhythm)
  // In a history of two weeks, an incident in one of them is half of the data of its hour.
  const usual = refitRhythm(first, moments, (i) => Math.abs(about.z[i]!) < FAR_OFF || isHabit(i))
  return { usual, noise: noiseAbout(feature, usual, scaled, history).noise, isRecorded }
}

/**
 * The expectation with usual values from some of the rows alone; the rhythm and the noise stay. O(n log n).
 *
 * @param history that the expectation was fitted to
 * @param isUsed which of its rows count
 */
export function refitExpectation(
  expectation: Expectation,
  feature: Feature,
  history: FeatureHistory,
  isUsed: (index: number) => boolean,
): Expectation {
  const { usual, noise } = expectation
  const { requests, days, minutesOfWeek, rowMinutes } = history
  const moments = { values: pooled(feature, history), days, minutesOfWeek, rowMinutes }
  const z = unbiased(feature, history).map((value, i) => {
    const expected = usualAt(usual, days[i]!, minutesOfWeek[i]!)
    const n = feature === 'requests_per_second' ? Math.exp(expected) * rowMinutes : requests[i]!
    return scoreAt(noise, value - expected, termOf(feature, n, noise), minutesOfWeek[i]!)
  })
  const isHabit = habits(z, minutesOfWeek, usual.season.rhythm)
  const isNear = (i: number) => Math.abs(z[i]!) < FAR_OFF || isHabit(i)
  return { ...expectation, usual: refitRhythm(usual, moments, (i) => isUsed(i) && isNear(i)) }
}

/** Minutes at least this many standard deviations off are left out. */
export const FAR_OFF = 4

/**
 * Minutes of the day, and slots of the rhythm, that are far off more often than not. They are no incident but a job, or a
 * slot that does not fit yet, so they are kept.
 */
function habits(z: Float64Array, minutesOfWeek: Uint16Array, rhythm: Rhythm): (index: number) => boolean {
  const byMinute = mostlyFar(z, 1440, (i) => minutesOfWeek[i]! % 1440)
  const bySlot = mostlyFar(z, SLOTS[rhythm], (i) => slotOf(rhythm, minutesOfWeek[i]!))
  return (i) => byMinute(i) || bySlot(i)
}

function mostlyFar(
  z: Float64Array,
  nGroups: number,
  groupOf: (i: number) => number,
): (index: number) => boolean {
  const far = new Float64Array(nGroups)
  const all = new Float64Array(nGroups)
  z.forEach((each, i) => {
    if (Number.isNaN(each)) return
    all[groupOf(i)]!++
    if (Math.abs(each) >= FAR_OFF) far[groupOf(i)]!++
  })
  return (i) => far[groupOf(i)]! > all[groupOf(i)]! / 2
}

function noiseAbout(
  feature: Feature,
  usual: Usual,
  scaled: Float64Array,
  history: FeatureHistory,
): { noise: Noise; z: Float64Array } {
  const { requests, days, minutesOfWeek, rowMinutes } = history
  const expected = scaled.map((_, i) => usualAt(usual, days[i]!, minutesOfWeek[i]!))
  const residuals = scaled.map((value, i) => value - expected[i]!)
  const terms = requests.map((n, i) =>
    termOf(feature, feature === 'requests_per_second' ? Math.exp(expected[i]!) * rowMinutes : n, history),
  )
  const minutes = Float64Array.from(
    minutesOfWeek,
    (minute, i) => (days[i]! - days[0]!) * 1440 + (minute % 1440),
  )
  const least = { sigma: MIN_SIGMA[feature], sampling: MIN_SAMPLING[feature] }
  const known = [...residuals.keys()].filter((i) => !Number.isNaN(residuals[i]!))
  const scatter = {
    residuals: Float64Array.from(known, (i) => residuals[i]!),
    terms: Float64Array.from(known, (i) => terms[i]!),
    minutes: Float64Array.from(known, (i) => minutes[i]!),
    rowMinutes,
    tail: history.tail,
    learnsFar: isLatency(feature),
  }
  const pools = feature === 'error_rate' ? errorPools(history, expected, minutes) : scatter
  const noise = fitNoise(scatter, least, pools)
  const z = residuals.map((each, i) => scoreAt(noise, each, terms[i]!, minutes[i]!))
  return { noise, z }
}

/**
 * Error rates of neighbouring minutes, pooled until they rest on enough requests. The error rate of a few requests takes
 * only a few values, and their median says nothing.
 */
function errorPools(
  { values, requests, rowMinutes }: FeatureHistory,
  expected: Float64Array,
  minutes: Float64Array,
): Scatter {
  const pools: { residual: number; term: number; minute: number }[] = []
  let [n, errors, usual, start] = [0, 0, 0, 0]
  values.forEach((value, i) => {
    if (Number.isNaN(value)) return
    if (n === 0) start = i
    n += requests[i]!
    errors += requests[i]! * value
    usual += requests[i]! * expected[i]!
    if (n < POOLED_REQUESTS.error_rate) return
    const residual = toScale('error_rate', errors / n) - usual / n
    pools.push({ residual, term: samplingTerm('error_rate', n), minute: minutes[start]! })
    ;[n, errors, usual] = [0, 0, 0]
  })
  return {
    residuals: Float64Array.from(pools, ({ residual }) => residual),
    terms: Float64Array.from(pools, ({ term }) => term),
    minutes: Float64Array.from(pools, ({ minute }) => minute),
    rowMinutes,
  }
}

/** The sampling term of a feature; that of a percentile whose tail is known is 1 / shape. */
export function termOf(feature: Feature, requests: number, { tail = 0 }: { readonly tail?: number }): number {
  return tail > 0 ? 1 / tailShape(feature, requests) : samplingTerm(feature, requests)
}

/** The values on the feature's scale; percentiles as those of very many requests. */
function unbiased(feature: Feature, { values, requests, rowMinutes, tail }: FeatureHistory): Float64Array {
  return values.map((value, i) => {
    const scaled = toScale(feature, value, rowMinutes * 60)
    return tail > 0 ? scaled - tailBias(feature, requests[i]!, tail) : scaled
  })
}

/** The expected value at a moment, on the scale of the feature; of a percentile that of very many requests. */
export function expectedAt({ usual }: Expectation, { day, minuteOfWeek }: LocalMinute): number {
  return usualAt(usual, day, minuteOfWeek)
}

/** The expected value around a moment, without terms for single minutes, such as those of a job. */
export function smoothlyExpectedAt({ usual }: Expectation, { day, minuteOfWeek }: LocalMinute): number {
  return smoothUsualAt(usual, day, minuteOfWeek)
}

/** The values on the feature's scale. Neighbouring rows with too few requests have the value of their pool. */
function pooled(feature: Feature, history: FeatureHistory): Float64Array {
  if (isLatency(feature)) return unbiased(feature, history)
  const { values, requests, rowMinutes } = history
  const isTraffic = feature === 'requests_per_second'
  const enough = isTraffic ? POOLED_REQUESTS.requests_per_second : POOLED_REQUESTS.error_rate
  const scaled = new Float64Array(values.length)
  for (let start = 0; start < values.length;) {
    let [end, n, weighted] = [start, 0, 0]
    do {
      n += requests[end]!
      weighted += isTraffic || Number.isNaN(values[end]!) ? 0 : values[end]! * requests[end]!
      end++
    } while (
      n < enough &&
      end < values.length &&
      (end - start + 1) * rowMinutes <= MAX_POOL_MINUTES &&
      !(isTraffic && isOtherRate(n / (end - start), requests[end]!))
    )
    const value = isTraffic ? n / (end - start) / (rowMinutes * 60) : weighted / n
    scaled.fill(toScale(feature, value, rowMinutes * 60), start, end)
    start = end
  }
  return scaled
}

/** The signed root of a Poisson deviance from which on a count belongs to another rate. */
export const OTHER_RATE = 3

/** Whether a count is far from the mean of a pool: the first minutes of the day are not pooled with a quiet night. */
function isOtherRate(mean: number, count: number): boolean {
  return Math.abs(poissonDeviance(count, mean + HALF)) > OTHER_RATE
}
