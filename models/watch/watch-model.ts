import { DEFAULT_EFFECTS, type LeastEffects } from '../anomaly/effects.js'
import { deviationOf, NO_LEVEL } from '../anomaly/deviation.js'
import { intervalsOf, mapFeatures, type PerFeature } from '../anomaly/features.js'
import { FOLLOWED_DAY_FACTOR } from '../anomaly/measure.js'
import { artificialOutliers, forestMatrix, knowsTheDay, type AnomalyModel } from '../anomaly/model.js'
import { mapChannels, mapKinds } from '../anomaly/kinds.js'
import type { Noise } from '../anomaly/noise.js'
import { DEFAULT_INTERVAL_SECONDS } from '../anomaly/row-interval.js'
import { channelsOf, strengthsOf, type Strengths } from '../anomaly/strengths.js'
import { NEUTRAL, type Thresholds } from '../anomaly/thresholds.js'
import { anomalyScores } from '../isolation-forest/anomaly-scores.js'
import { fitIsolationForest } from '../isolation-forest/fit-isolation-forest.js'
import type { IsolationForest } from '../isolation-forest/forest.js'
import { contaminationThreshold } from '../isolation-forest/threshold.js'
import { localTimeOf } from '../seasonality/local-time.js'
import { GATE } from '../anomaly/gates.js'
import { FOREST_COLUMNS } from '../anomaly/forest-row.js'
import { rhythmOf } from './clock.js'
import type { EndpointFit } from './fit-endpoint.js'
import { shrunkNoise, typicalNoise } from './noise.js'

/** What is known about an endpoint, besides what all endpoints share. */
export type WatchedEndpoint = Pick<
  EndpointFit,
  'endpoint' | 'firstSeenMs' | 'minutes' | 'requestsPerSecond' | 'eventDays' | 'expectations'
> & {
  /** Factors of its own on the shared thresholds, from what recurs in it. */
  readonly thresholds: Thresholds
}

/** Models of all endpoints of a gateway. Immutable. */
export interface WatchModel {
  /** Of the gateway as a whole. */
  readonly gateway: AnomalyModel
  /** Of the standardised residuals of all endpoints, and its threshold on −s(x, n). */
  readonly forest: IsolationForest
  readonly threshold: number
  /** The noise that is typical of an endpoint. */
  readonly typical: PerFeature<Noise>
  /** Of all endpoints together. */
  readonly thresholds: Thresholds
  readonly endpoints: ReadonlyMap<string, WatchedEndpoint>
  /** The gateway's rhythm, see `rhythmOf`. */
  readonly rhythm: Float64Array
}

export interface WatchOptions {
  readonly effects?: LeastEffects
  readonly contamination: number
  /** The highest threshold on −s(x, n), −1…0. */
  readonly anomalyThreshold: number
  readonly seed: number
}

/** Minutes of history from which on an endpoint's noise is typical of others. */
const TYPICAL_MINUTES = 1440

const NEVER_SEEN = new Float64Array(0)

/**
 * The models of all endpoints: their noise is shrunk towards the typical one, and one forest is fitted to the
 * standardised residuals of all. Thresholds are neutral until `calibrateWatch` sets them.
 */
export function assembleWatch(
  gateway: AnomalyModel,
  fits: readonly EndpointFit[],
  { effects = DEFAULT_EFFECTS, contamination, anomalyThreshold, seed }: WatchOptions,
): WatchModel {
  const typical = mapFeatures((feature) => {
    const noises = fits
      .filter(({ noiseMinutes }) => noiseMinutes[feature] >= TYPICAL_MINUTES)
      .map(({ expectations }) => expectations[feature].noise)
    return typicalNoise(noises.length > 0 ? noises : [gateway.expectations[feature].noise])
  })
  const endpoints = fits.map((fit) => watchedEndpoint(fit, typical))
  const usual = endpoints.flatMap((each, i) => usualStrengths(each, fits[i]!, gateway.timeZone, effects))
  const forest = usual.length === 0 ? gateway : pooledForest(usual, contamination, anomalyThreshold, seed)
  return {
    gateway,
    forest: forest.forest,
    threshold: forest.threshold,
    typical,
    thresholds: NEUTRAL,
    endpoints: new Map(endpoints.map((each) => [each.endpoint, each])),
    rhythm: rhythmOf(gateway),
  }
}

/** An endpoint with its noise shrunk towards the typical one. */
export function watchedEndpoint(
  { expectations, noiseMinutes, endpoint, firstSeenMs, minutes, requestsPerSecond, eventDays }: EndpointFit,
  typical: PerFeature<Noise>,
): WatchedEndpoint {
  return {
    ...{ endpoint, firstSeenMs, minutes, requestsPerSecond, eventDays, thresholds: NEUTRAL },
    expectations: mapFeatures((feature) => {
      const own = expectations[feature]
      return { ...own, noise: shrunkNoise(own.noise, noiseMinutes[feature], typical[feature]) }
    }),
  }
}

/**
 * The model with some endpoints fitted again, or for the first time. Everything that endpoints share stays. New endpoints
 * learn their own rhythm in this way before the next training.
 */
export function withEndpoints(watch: WatchModel, fits: readonly EndpointFit[]): WatchModel {
  const endpoints = new Map(watch.endpoints)
  for (const fit of fits) endpoints.set(fit.endpoint, watchedEndpoint(fit, watch.typical))
  return { ...watch, endpoints }
}

function usualStrengths(
  { expectations }: Pick<WatchedEndpoint, 'expectations'>,
  { sample }: EndpointFit,
  timeZone: string,
  effects: LeastEffects,
): Strengths[] {
  const localTime = localTimeOf(timeZone)
  return [...intervalsOf(sample.samples, 60)].map((interval, i) =>
    strengthsOf(
      channelsOf(deviationOf(interval, localTime(sample.timesMs[i]!), expectations, NO_LEVEL), effects, 1),
    ),
  )
}

function pooledForest(
  usual: readonly Strengths[],
  contamination: number,
  anomalyThreshold: number,
  seed: number,
): { forest: IsolationForest; threshold: number } {
  const sown = [...usual, ...artificialOutliers(usual, seed)]
  const shape = { nSamples: sown.length, nFeatures: FOREST_COLUMNS, nEstimators: 100, maxSamples: 256 }
  const forest = fitIsolationForest(forestMatrix(sown), { ...shape, seed })
  const negated = anomalyScores(forest, forestMatrix(usual)).map((score) => -score)
  return { forest, threshold: contaminationThreshold(negated, contamination, anomalyThreshold) }
}

/** The model that the stream's code judges an endpoint by. */
export function endpointModel(
  { gateway, forest, threshold, thresholds }: WatchModel,
  endpoint: Pick<WatchedEndpoint, 'expectations' | 'minutes' | 'requestsPerSecond' | 'thresholds'>,
): AnomalyModel {
  const traffic = { ...gateway.baselines.requests_per_second, mean: endpoint.requestsPerSecond }
  return {
    ...gateway,
    forest,
    threshold,
    intervalSeconds: DEFAULT_INTERVAL_SECONDS,
    // With less than two days of its own, an endpoint is judged as one whose rhythm is not known for certain.
    days: Math.min(gateway.days, endpoint.minutes / 1440),
    baselines: { ...gateway.baselines, requests_per_second: traffic },
    expectations: endpoint.expectations,
    tenths: mapFeatures(() => NEVER_SEEN),
    thresholds: largerThresholds(
      largerThresholds(thresholds, endpoint.thresholds),
      young(endpoint.minutes, gateway),
    ),
  }
}

/** How far the logarithms of the rhythms of two days may lie apart; gates are passed at two and a half times that. */
const RHYTHM_SD = 0.8
const RHYTHM_Z = 2.5

/** Few jobs bring more than six times the traffic: a rhythm that is learned from hours takes no more. */
const LARGEST_JOB = Math.log(6)

/** Days of history of an endpoint whose rhythm is known: nearly two weeks show what recurs in a week. */
export const OLD_DAYS = 12.6

/** What no traffic reaches, and what no evidence reaches. */
const NO_GATE = 8
const NO_EVIDENCE = 1e3

/**
 * Thresholds of an endpoint whose rhythm was learned from few days. Its error falls with the root of their number. What is
 * not larger than that proves nothing, however long it lasts: it may be a job that has not been seen yet. So a rise of
 * traffic has to pass the gate, and a small change is no evidence. More traffic of a new endpoint is its launch: it matters
 * only if it matters to the whole gateway, which is judged itself. In the first hours of a gateway nothing is launched.
 */
function young(minutes: number, gateway: AnomalyModel): Thresholds {
  const days = Math.max(1, minutes / 1440)
  if (days >= OLD_DAYS) return NEUTRAL
  const isDayKnown = knowsTheDay({ days })
  const followed = GATE.effect * Math.log1p(DEFAULT_EFFECTS.traffic) * (isDayKnown ? 1 : FOLLOWED_DAY_FACTOR)
  const known = (RHYTHM_Z * RHYTHM_SD) / Math.sqrt(days)
  // The effects that matter are larger anyway while the day is not known.
  const factor = Math.max(1, (isDayKnown ? known : Math.min(known, LARGEST_JOB)) / followed)
  const latency = isDayKnown ? { small: 2 * factor, large: factor } : { small: NO_EVIDENCE, large: 1 }
  return {
    gates: {
      traffic_spike: isDayKnown || !knowsTheDay(gateway) ? factor : NO_GATE,
      traffic_drop: factor,
      latency_spike: isDayKnown ? factor : 1,
      error_rate_spike: 1,
    },
    joint: factor,
    evidence: {
      traffic_spike: { small: NO_EVIDENCE, large: NO_EVIDENCE },
      traffic_drop: { small: NO_EVIDENCE, large: isDayKnown ? factor : 1 },
      avg_latency_ms: latency,
      p95_latency_ms: latency,
      p99_latency_ms: latency,
      error_rate_spike: { small: 1, large: 1 },
    },
  }
}

const watchedGateways = new WeakMap<AnomalyModel, AnomalyModel>()

/** The model that the gateway as a whole is watched by: in its first hours, its jobs have not been seen yet either. */
export function watchedGateway(gateway: AnomalyModel): AnomalyModel {
  if (knowsTheDay(gateway)) return gateway
  const thresholds = largerThresholds(gateway.thresholds, young(0, gateway))
  const watched = watchedGateways.get(gateway) ?? { ...gateway, thresholds }
  watchedGateways.set(gateway, watched)
  return watched
}

function largerThresholds(a: Thresholds, b: Thresholds): Thresholds {
  if (b === NEUTRAL) return a
  return {
    gates: mapKinds((kind) => Math.max(a.gates[kind], b.gates[kind])),
    joint: Math.max(a.joint, b.joint),
    evidence: mapChannels((channel) => ({
      small: Math.max(a.evidence[channel].small, b.evidence[channel].small),
      large: Math.max(a.evidence[channel].large, b.evidence[channel].large),
    })),
  }
}
