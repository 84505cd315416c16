import { anomalyScores } from '../isolation-forest/anomaly-scores.js'
import { fitIsolationForest } from '../isolation-forest/fit-isolation-forest.js'
import type { IsolationForest } from '../isolation-forest/forest.js'
import { contaminationThreshold } from '../isolation-forest/threshold.js'
import { createRandom } from '../statistics/random.js'
import { fitBaseline, type Baseline } from './baseline.js'
import { deviations, type Expectations } from './deviation.js'
import { fitExpectation } from './expectation.js'
import { mapFeatures, minutesOf, N_FEATURES, type Feature, type PerFeature } from './features.js'
import { FOREST_COLUMNS, writeForestRow } from './strengths.js'

/** Everything a detector has learned. Immutable. */
export interface AnomalyModel {
  readonly forest: IsolationForest
  /** On −s(x, n): below it the forest calls a sample anomalous. */
  readonly threshold: number
  readonly contamination: number
  readonly nSamples: number
  readonly baselines: PerFeature<Baseline>
  readonly expectations: Expectations
}

export interface AnomalyModelOptions {
  /** Expected share of anomalies in the samples, 0 < c <= 0.5. */
  readonly contamination: number
  /** The highest threshold on −s(x, n), −1…0. */
  readonly anomalyThreshold: number
  readonly nEstimators?: number
  readonly maxSamples?: number
  readonly seed: number
}

/** No traffic is larger than this, in any feature's unit; squares and sums of it are still exact enough. */
export const MAX_SAMPLE = 1e12

/** Fewer samples than this make no model. */
export const MIN_SAMPLES = 10

/**
 * Learns what usual minutes look like: a baseline and an expectation of each feature, and an isolation forest
 * of their deviations with its threshold.
 *
 * @param samples `[nSamples, 5]`, row-major, 0…MAX_SAMPLE, features in the order of FEATURES
 * @throws RangeError with fewer than MIN_SAMPLES rows, or a value outside that range
 */
export function fitAnomalyModel(samples: Float64Array, options: AnomalyModelOptions): AnomalyModel {
  const { contamination, anomalyThreshold, nEstimators = 100, maxSamples = 256, seed } = options
  const nSamples = samples.length / N_FEATURES
  if (!Number.isInteger(nSamples) || nSamples < MIN_SAMPLES) {
    throw new RangeError(`A model needs at least ${MIN_SAMPLES} rows of ${N_FEATURES} features.`)
  }
  if (!samples.every((value) => value >= 0 && value <= MAX_SAMPLE)) {
    throw new RangeError(`Samples must be numbers from 0 to ${MAX_SAMPLE}.`)
  }
  const columns = mapFeatures((_, index) => column(samples, index))
  const expectations = mapFeatures((feature) => fitExpectation(feature, columns[feature]))
  const usual = [...minutesOf(samples)].map((minute) => deviations(minute, expectations))
  const matrix = forestMatrix(usual)
  const sown = [...usual, ...artificialOutliers(usual, seed)]
  const forest = fitIsolationForest(forestMatrix(sown), {
    nSamples: sown.length,
    nFeatures: FOREST_COLUMNS,
    nEstimators,
    maxSamples,
    seed,
  })
  const negated = anomalyScores(forest, matrix).map((score) => -score)
  return {
    forest,
    threshold: contaminationThreshold(negated, contamination, anomalyThreshold),
    contamination,
    nSamples,
    baselines: mapFeatures((feature) => fitBaseline(columns[feature])),
    expectations,
  }
}

function column(samples: Float64Array, index: number): Float64Array {
  return Float64Array.from(
    { length: samples.length / N_FEATURES },
    (_, row) => samples[row * N_FEATURES + index]!,
  )
}

function forestMatrix(rows: readonly PerFeature<number>[]): Float64Array {
  const matrix = new Float64Array(rows.length * FOREST_COLUMNS)
  rows.forEach((row, index) => writeForestRow(row, matrix, index))
  return matrix
}

/** The ways of being far off that are sown among the samples: which features, and in which direction. */
const OUTLIER_KINDS: readonly { features: readonly Feature[]; sign: 1 | -1 }[] = [
  { features: ['requests_per_second'], sign: 1 },
  { features: ['requests_per_second'], sign: -1 },
  { features: ['avg_latency_ms', 'p95_latency_ms', 'p99_latency_ms'], sign: 1 },
  { features: ['error_rate'], sign: 1 },
]

/** Artificial outliers for each sample. */
const OUTLIER_SHARE = 0.02

/** Their deviations: from what just matters to what is far beyond, uniform on the scale the forest sees. */
const OUTLIER_RANGE = { from: Math.log1p(3.5), to: Math.log1p(30) }

/**
 * A forest splits only where its samples differ: in a calm or constant history it never looks beyond the usual
 * range and cannot tell tenfold traffic from the busiest minute. So a few artificial outliers, usual minutes
 * with one kind of deviation put in, are sown among the samples it is fitted on (Fan, Miller, Stolfo, Lee and
 * Chan 2001, "Using Artificial Anomalies to Detect Unknown and Known Network Intrusions"). The threshold is
 * taken from the real samples alone.
 */
function artificialOutliers(usual: readonly PerFeature<number>[], seed: number): PerFeature<number>[] {
  const random = createRandom(seed)
  const count = Math.max(1, Math.round((usual.length * OUTLIER_SHARE) / OUTLIER_KINDS.length))
  const { from, to } = OUTLIER_RANGE
  return OUTLIER_KINDS.flatMap(({ features, sign }) =>
    Array.from({ length: count }, () => {
      const deviation = sign * Math.expm1(from + (to - from) * random.uniform())
      const minute = usual[random.integer(usual.length)]!
      return { ...minute, ...Object.fromEntries(features.map((feature) => [feature, deviation])) }
    }),
  )
}
