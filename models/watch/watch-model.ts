import { DEFAULT_EFFECTS, type LeastEffects } from '../anomaly/effects.js'
import { deviationOf, NO_LEVEL } from '../anomaly/deviation.js'
import { intervalsOf, mapFeatures, type PerFeature } from '../anomaly/features.js'
import { artificialOutliers, forestMatrix, type AnomalyModel } from '../anomaly/model.js'
import { mapChannels, mapKinds } from '../anomaly/kinds.js'
import type { Noise } from '../anomaly/noise.js'
import { channelsOf, strengthsOf, type Strengths } from '../anomaly/strengths.js'
import { NEUTRAL, type Thresholds } from '../anomaly/thresholds.js'
import { anomalyScores } from '../isolation-forest/anomaly-scores.js'
import { fitIsolationForest } from '../isolation-forest/fit-isolation-forest.js'
import type { IsolationForest } from '../isolation-forest/forest.js'
import { contaminationThreshold } from '../isolation-forest/threshold.js'
import { localTimeOf } from '../seasonality/local-time.js'
import { FOREST_COLUMNS } from '../anomaly/forest-row.js'
import { rhythmOf } from './clock.js'
import type { EndpointFit } from './fit-endpoint.js'
import { shrunkNoise, typicalNoise } from './noise.js'

/** What is known about an endpoint, besides what all endpoints share. */
export type WatchedEndpoint = Pick<
  EndpointFit,
  'endpoint' | 'firstSeenMs' | 'minutes' | 'requestsPerSecond' | 'expectations'
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
  const endpoints = fits.map((fit) => ({
    endpoint: fit.endpoint,
    firstSeenMs: fit.firstSeenMs,
    minutes: fit.minutes,
    requestsPerSecond: fit.requestsPerSecond,
    thresholds: NEUTRAL,
    expectations: mapFeatures((feature) => {
      const own = fit.expectations[feature]
      return { ...own, noise: shrunkNoise(own.noise, fit.noiseMinutes[feature], typical[feature]) }
    }),
  }))
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
  endpoint: Pick<WatchedEndpoint, 'expectations' | 'requestsPerSecond' | 'thresholds'>,
): AnomalyModel {
  const traffic = { ...gateway.baselines.requests_per_second, mean: endpoint.requestsPerSecond }
  return {
    ...gateway,
    forest,
    threshold,
    baselines: { ...gateway.baselines, requests_per_second: traffic },
    expectations: endpoint.expectations,
    tenths: mapFeatures(() => NEVER_SEEN),
    thresholds: largerThresholds(thresholds, endpoint.thresholds),
  }
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
