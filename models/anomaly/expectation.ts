import { fitRhythm, refitRhythm, smoothUsualAt, usualAt, type Usual } from '../seasonality/fit-rhythm.js'
import { slotOf, SLOTS, type Rhythm } from '../seasonality/rhythm.js'
import type { LocalMinute } from '../seasonality/local-time.js'
import type { Moments } from '../seasonality/season.js'
import type { Feature } from './features.js'
import { fitNoise, sigmaAt, type Noise, type Scatter } from './noise.js'
import { samplingTerm, toScale } from './scales.js'

/** What is usual of a feature at each moment, and how far it scatters; on the scale of {@link toScale}. */
export interface Expectation {
  readonly usual: Usual
  readonly noise: Noise
  /** False: it was 0 throughout, so not recorded, and nothing can be said of it. */
  readonly isRecorded: boolean
}

/** What a feature was like, minute by minute, in order of time. */
interface FeatureHistory extends Omit<Moments, 'values'> {
  /** In the feature's unit; NaN where it is not known. */
  readonly values: Float64Array
  readonly requests: Float64Array
}

/** Spreads are never taken for smaller, however calm the history. */
export const MIN_SIGMA: Readonly<Record<Feature, number>> = {
  requests_per_second: 0.03,
  avg_latency_ms: 0.03,
  p95_latency_ms: 0.03,
  p99_latency_ms: 0.03,
  error_rate: 0.005,
}

/** A count scatters at least as Poisson's, a share at least as a binomial one. */
const MIN_SAMPLING: Readonly<Record<Feature, number>> = {
  requests_per_second: 1,
  avg_latency_ms: 0,
  p95_latency_ms: 0,
  p99_latency_ms: 0,
  error_rate: 1,
}

/** Neighbouring minutes are pooled until they have so many requests: a share of two requests is 0, 50 or 100 %. */
export const POOLED_REQUESTS = { requests_per_second: 30, error_rate: 300 }

/** Minutes that are pooled at most. */
export const MAX_POOL_MINUTES = 60

/**
 * Learns what is usual of a feature at each moment.
 * @throws RangeError without a minute
 */
export function fitExpectation(feature: Feature, history: FeatureHistory): Expectation {
  const { values, requests, days, minutesOfWeek } = history
  if (values.length === 0) throw new RangeError('An expectation needs at least one minute.')
  const isRecorded = feature === 'error_rate' || values.some((value) => value > 0)
  const moments = { values: pooled(feature, values, requests), days, minutesOfWeek }
  const scaled = values.map((value) => toScale(feature, value))
  const first = fitRhythm(moments)
  const about = noiseAbout(feature, first, scaled, history)
  const isHabit = habits(about.z, minutesOfWeek, first.season.rhythm)
  // Once more without what is far off: an incident in one of two weeks is half of what its hour was like.
  const usual = refitRhythm(first, moments, (i) => Math.abs(about.z[i]!) < FAR_OFF || isHabit(i))
  return { usual, noise: noiseAbout(feature, usual, scaled, history).noise, isRecorded }
}

/** Standard deviations from which on a minute does not tell what is usual. */
export const FAR_OFF = 4

/**
 * Minutes that are far off more often than not at that time of the day, or in that slot of the rhythm: no incident, but a
 * job, or a slot that is not yet fitted well. To leave them out would keep it so.
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
  const { requests, days, minutesOfWeek } = history
  const expected = scaled.map((_, i) => usualAt(usual, days[i]!, minutesOfWeek[i]!))
  const residuals = scaled.map((value, i) => value - expected[i]!)
  const terms = requests.map((n, i) =>
    samplingTerm(feature, feature === 'requests_per_second' ? Math.exp(expected[i]!) : n),
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
  }
  const pools = feature === 'error_rate' ? errorPools(history, expected, minutes) : scatter
  const noise = fitNoise(scatter, least, pools)
  const z = residuals.map((each, i) => each / sigmaAt(noise, terms[i]!, minutes[i]!))
  return { noise, z }
}

/**
 * Shares of few requests take few values, of which a median tells nothing: so errors are taken together over neighbouring
 * minutes, until they stand on enough requests.
 */
function errorPools(
  { values, requests }: FeatureHistory,
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
  }
}

/** What is expected at a moment, on the scale of the feature. */
export function expectedAt({ usual }: Expectation, { day, minuteOfWeek }: LocalMinute): number {
  return usualAt(usual, day, minuteOfWeek)
}

/** What is expected about a moment, without what holds for a single minute, such as a job. */
export function smoothlyExpectedAt({ usual }: Expectation, { day, minuteOfWeek }: LocalMinute): number {
  return smoothUsualAt(usual, day, minuteOfWeek)
}

/** Each minute on its scale, with the value of its pool where single minutes have too few requests. */
function pooled(feature: Feature, values: Float64Array, requests: Float64Array): Float64Array {
  const enough = (POOLED_REQUESTS as Partial<Record<Feature, number>>)[feature] ?? 0
  const scaled = new Float64Array(values.length)
  for (let start = 0; start < values.length;) {
    let end = start
    let n = 0
    let weighted = 0
    do {
      n += requests[end]!
      weighted += values[end]! * (feature === 'error_rate' ? requests[end]! : 1)
      end++
    } while (n < enough && end < values.length && end - start < MAX_POOL_MINUTES)
    const value = feature === 'error_rate' ? weighted / Math.max(n, 1e-9) : weighted / (end - start)
    scaled.fill(toScale(feature, value), start, end)
    start = end
  }
  return scaled
}
