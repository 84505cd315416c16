import type { Expectation } from '../anomaly/expectation.js'
import { mapFeatures, N_FEATURES, type Feature, type PerFeature } from '../anomaly/features.js'
import type { Noise } from '../anomaly/noise.js'
import { MIN_SUPPORT, SUPPORT } from '../anomaly/strengths.js'
import type { History } from '../anomaly/regular-history.js'
import { fromScale, toScale } from '../anomaly/scales.js'
import { MINUTE_MS } from '../traffic/durations.js'
import { WEEK_MINUTES, type Clock } from './clock.js'
import type { EndpointHistory } from './history.js'
import { minutesOn, type EndpointMinutes } from './minutes.js'
import { scaleOf } from './log-rate.js'
import { endpointNoise } from './noise.js'
import { observedErrors, observedLatency, observedTraffic, type ObservedFeature } from './readings.js'
import { fitEndpointRhythm } from './rhythm.js'
import { usualOf } from './usual.js'

/** What an endpoint's history says about it alone. Plain data: a worker can send it. */
export interface EndpointFit {
  readonly endpoint: string
  readonly firstSeenMs: number
  /** Minutes that are known. */
  readonly minutes: number
  /** Average requests per second. */
  readonly requestsPerSecond: number
  /** Days with minutes that are far off, see `markFarOff`. */
  readonly eventDays: number
  /** With the noise of the endpoint alone. */
  readonly expectations: PerFeature<Expectation>
  /** Minutes that each noise rests on. */
  readonly noiseMinutes: PerFeature<number>
  /** Some of its minutes, for the forest. */
  readonly sample: Pick<History, 'samples' | 'timesMs'>
}

/** Minutes of an endpoint that the forest sees. */
const SAMPLE = 100

const NO_RHYTHM = new Float64Array(WEEK_MINUTES)

/**
 * Fits an endpoint: its expected values and its noise. Traffic begins with the gateway's rhythm. Latencies and errors of
 * the gateway are a mixture of those of its endpoints, which changes with the hour, so theirs begin without one.
 * About 20 ms for two weeks.
 *
 * @param isUsed which local days of the clock count; all when left out
 */
export function fitEndpoint(
  clock: Clock,
  history: EndpointHistory,
  isUsed?: (day: number) => boolean,
): EndpointFit {
  const minutes = minutesOn(clock, history)
  const farOff = new Uint8Array(clock.nDays)
  const noiseMinutes = { ...mapFeatures(() => 0) } as Record<Feature, number>
  const expectations = mapFeatures((feature) => {
    const isTraffic = feature === 'requests_per_second'
    const observed = observedOf(feature, minutes)
    const prior = isTraffic ? clock.rhythm : NO_RHYTHM
    const rhythm = fitEndpointRhythm({ clock, feature: observed, first: minutes.first, isUsed }, prior)
    const expected = isTraffic ? rhythm.expected.map(scaleOf) : rhythm.expected
    const values = valuesOf(feature, minutes)
    const fitted = endpointNoise(feature, clock, minutes, values, expected)
    noiseMinutes[feature] = fitted.minutes
    markFarOff(farOff, clock, values, expected, fitted.noise.sigma)
    const usual = usualOf(rhythm, isTraffic)
    return { usual, noise: float32Noise(fitted.noise), isRecorded: isRecorded(feature, values) }
  })
  const known = minutes.requests.filter((n) => !Number.isNaN(n))
  return {
    endpoint: history.endpoint,
    firstSeenMs: history.firstSeenMs,
    minutes: known.length,
    requestsPerSecond: known.reduce((sum, n) => sum + n, 0) / Math.max(1, known.length) / 60,
    eventDays: farOff.reduce((sum, each) => sum + each, 0),
    expectations,
    noiseMinutes,
    sample: sampleOf(clock, minutes),
  }
}

/** Minutes in a row that are this many times the fixed noise off, and by this much on the scale, are an event. */
const FAR = { sigmas: 8, least: 0.45 }

/** Marks the days on which two minutes in a row are far off: a first look for what recurs. */
function markFarOff(
  farOff: Uint8Array,
  { days, nMinutes }: Clock,
  values: Float64Array,
  expected: Float64Array,
  sigma: number,
): void {
  const least = Math.max(FAR.least, FAR.sigmas * sigma)
  let before = false
  for (let i = 0; i < nMinutes; i++) {
    const isFar = Math.abs(values[i]! - expected[i]!) > least
    if (isFar && before) farOff[days[i]!] = 1
    before = isFar
  }
}

/** Minutes at even distances. */
function sampleOf({ startMs, nMinutes }: Clock, minutes: EndpointMinutes): EndpointFit['sample'] {
  const known: number[] = []
  for (let i = minutes.first; i < nMinutes; i++) if (!Number.isNaN(minutes.requests[i]!)) known.push(i)
  const count = Math.min(SAMPLE, known.length)
  const chosen = Array.from({ length: count }, (_, k) => known[Math.floor((k * known.length) / count)]!)
  const samples = new Float64Array(chosen.length * N_FEATURES)
  chosen.forEach((i, row) => {
    const { requests, failed, avg, p95, p99 } = minutes
    const n = requests[i]!
    const latencies = [avg, p95, p99].map((values) => fromScale('avg_latency_ms', values[i]!))
    samples.set([n / 60, ...latencies, n > 0 ? failed[i]! / n : 0], row * N_FEATURES)
  })
  return { samples, timesMs: Float64Array.from(chosen, (i) => startMs + i * MINUTE_MS) }
}

function observedOf(feature: Feature, minutes: EndpointMinutes): ObservedFeature {
  if (feature === 'requests_per_second') return observedTraffic(minutes)
  if (feature === 'error_rate') return observedErrors(minutes)
  return observedLatency(minutes, latencyOf(feature, minutes), MIN_REQUESTS[feature])
}

/** Requests from which on a latency of a minute is judged: half a request lies beyond the percentile. */
export const MIN_REQUESTS = {
  avg_latency_ms: MIN_SUPPORT / SUPPORT.avg_latency_ms,
  p95_latency_ms: MIN_SUPPORT / SUPPORT.p95_latency_ms,
  p99_latency_ms: MIN_SUPPORT / SUPPORT.p99_latency_ms,
}

function latencyOf(feature: Feature, { avg, p95, p99 }: EndpointMinutes): Float64Array {
  return feature === 'avg_latency_ms' ? avg : feature === 'p95_latency_ms' ? p95 : p99
}

/** The values of a feature on its scale; NaN when not known. */
function valuesOf(feature: Feature, minutes: EndpointMinutes): Float64Array {
  const { requests, failed } = minutes
  if (feature === 'requests_per_second') return requests.map((n) => toScale(feature, n / 60))
  if (feature === 'error_rate')
    return requests.map((n, i) => (n > 0 ? toScale(feature, failed[i]! / n) : NaN))
  const least = MIN_REQUESTS[feature]
  return latencyOf(feature, minutes).map((value, i) => (requests[i]! >= least ? value : NaN))
}

/** Minutes with enough requests that a latency needs to be judged. */
const MIN_RECORDED = 30

/** Latencies that are 0, or known in hardly any minute, are not judged. */
function isRecorded(feature: Feature, values: Float64Array): boolean {
  if (!feature.endsWith('_latency_ms')) return true
  const nothing = toScale(feature, 0)
  return values.reduce((count, value) => count + (value > nothing ? 1 : 0), 0) >= MIN_RECORDED
}

function float32Noise(noise: Noise): Noise {
  return { ...noise, hours: noise.hours.map(Math.fround), minutes: noise.minutes.map(Math.fround) }
}
