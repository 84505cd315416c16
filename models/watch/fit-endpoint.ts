import type { Expectation } from '../anomaly/expectation.js'
import { mapFeatures, N_FEATURES, type Feature, type PerFeature } from '../anomaly/features.js'
import type { Noise } from '../anomaly/noise.js'
import type { History } from '../anomaly/regular-history.js'
import { fromScale, toScale } from '../anomaly/scales.js'
import { MINUTE_MS } from '../traffic/durations.js'
import { WEEK_MINUTES, type Clock } from './clock.js'
import type { EndpointHistory } from './history.js'
import { minutesOn, type EndpointMinutes } from './minutes.js'
import { scaleOf } from './log-rate.js'
import { endpointNoise } from './noise.js'
import { observedErrors, observedLatency, observedTraffic, type ObservedFeature } from './readings.js'
import { expectedOn, fitEndpointRhythm } from './rhythm.js'
import { usualOf } from './usual.js'

/** What an endpoint's history says about it alone. Plain data: a worker can send it. */
export interface EndpointFit {
  readonly endpoint: string
  readonly firstSeenMs: number
  /** Minutes that are known. */
  readonly minutes: number
  /** Average requests per second. */
  readonly requestsPerSecond: number
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
  const noiseMinutes = { ...mapFeatures(() => 0) } as Record<Feature, number>
  const expectations = mapFeatures((feature) => {
    const isTraffic = feature === 'requests_per_second'
    const observed = observedOf(feature, minutes)
    const prior = isTraffic ? clock.rhythm : NO_RHYTHM
    const rhythm = fitEndpointRhythm({ clock, feature: observed, first: minutes.first, isUsed }, prior)
    const onScale = expectedOn(clock, rhythm)
    const expected = isTraffic ? onScale.map(scaleOf) : onScale
    const values = valuesOf(feature, minutes)
    const fitted = endpointNoise(feature, clock, minutes, values, expected)
    noiseMinutes[feature] = fitted.minutes
    return { usual: usualOf(rhythm, isTraffic), noise: float32Noise(fitted.noise), isRecorded: isRecorded(feature, values) }
  })
  const known = minutes.requests.filter((n) => !Number.isNaN(n))
  return {
    endpoint: history.endpoint,
    firstSeenMs: history.firstSeenMs,
    minutes: known.length,
    requestsPerSecond: known.reduce((sum, n) => sum + n, 0) / Math.max(1, known.length) / 60,
    expectations,
    noiseMinutes,
    sample: sampleOf(clock, minutes),
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
  return observedLatency(minutes, latencyOf(feature, minutes))
}

function latencyOf(feature: Feature, { avg, p95, p99 }: EndpointMinutes): Float64Array {
  return feature === 'avg_latency_ms' ? avg : feature === 'p95_latency_ms' ? p95 : p99
}

/** The values of a feature on its scale; NaN when not known. */
export function valuesOf(feature: Feature, minutes: EndpointMinutes): Float64Array {
  const { requests, failed } = minutes
  if (feature === 'requests_per_second') return requests.map((n) => toScale(feature, n / 60))
  if (feature === 'error_rate') return requests.map((n, i) => (n > 0 ? toScale(feature, failed[i]! / n) : NaN))
  return latencyOf(feature, minutes)
}

/** Latencies that are 0 or unknown in every minute were not recorded. */
function isRecorded(feature: Feature, values: Float64Array): boolean {
  if (!feature.endsWith('_latency_ms')) return true
  return values.some((value) => value > toScale(feature, 0))
}

function float32Noise(noise: Noise): Noise {
  return { ...noise, hours: noise.hours.map(Math.fround), minutes: noise.minutes.map(Math.fround) }
}
