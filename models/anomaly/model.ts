import { anomalyScores } from '../isolation-forest/anomaly-scores.js'
import { fitIsolationForest } from '../isolation-forest/fit-isolation-forest.js'
import type { IsolationForest } from '../isolation-forest/forest.js'
import { contaminationThreshold } from '../isolation-forest/threshold.js'
import { daysOf } from '../seasonality/fit-rhythm.js'
import { localTimeOf, type LocalTime } from '../seasonality/local-time.js'
import { MIN_DAYS } from '../seasonality/rhythm.js'
import { createRandom } from '../statistics/random.js'
import { fitBaseline, type Baseline } from './baseline.js'
import { deviationOf, NO_LEVEL, NO_SPREAD, modelZOf, type Expectations } from './deviation.js'
import { tenthsOf } from './drift.js'
import { DEFAULT_EFFECTS, type LeastEffects } from './effects.js'
import { expectedAt, fitExpectation, type FeatureHistory } from './expectation.js'
import {
  FEATURES,
  intervalsOf,
  isLatency,
  mapFeatures,
  N_FEATURES,
  type Feature,
  type PerFeature,
} from './features.js'
import { FOREST_COLUMNS, writeForestRow } from './forest-row.js'
import { gatesOf } from './gates.js'
import { regularHistory, type History, type RegularHistory } from './regular-history.js'
import { fromScale } from './scales.js'
import { silentHours } from './silent-hours.js'
import { channelsOf, strengthsOf, type Strengths } from './strengths.js'
import { isPercentile, tailIndexOf } from './tail-noise.js'
import { NEUTRAL, type Thresholds } from './thresholds.js'

/** Everything that a detector has learned. Immutable. */
export interface AnomalyModel {
  readonly forest: IsolationForest
  /** On −s(x, n): below it the forest calls a sample anomalous. */
  readonly threshold: number
  readonly contamination: number
  /** Rows of the history. */
  readonly nSamples: number
  /** Length of the rows that it was fitted on, and that it judges. */
  readonly intervalSeconds: number
  /** Days of the calendar that the history covers. */
  readonly days: number
  readonly baselines: PerFeature<Baseline>
  readonly expectations: Expectations
  /** The nine deciles of the standardised residuals of the history; drift is measured against them. */
  readonly tenths: PerFeature<Float64Array>
  /** IANA name; rhythms follow its clocks. */
  readonly timeZone: string
  /** Neutral until `calibrate` sets them. */
  readonly thresholds: Thresholds
  /** Hours of the week in which silence is usual, see `silentHours`; null for none. */
  readonly silentHours: Uint8Array | null
}

export interface AnomalyModelOptions {
  /** Expected share of anomalies in the samples, 0 < c <= 0.5. */
  readonly contamination: number
  /** The highest threshold on −s(x, n), −1…0. */
  readonly anomalyThreshold: number
  readonly nEstimators?: number
  readonly maxSamples?: number
  /** Length of the rows that the model judges; that of the history when left out, at least a minute. */
  readonly intervalSeconds?: number | undefined
  /** UTC, when left out. */
  readonly timeZone?: string
  readonly effects?: LeastEffects
  readonly seed: number
}

/** The largest value of a sample, in any feature's unit. Its squares and sums are still exact enough. */
export const MAX_SAMPLE = 1e12

/** The fewest samples that make a model. */
export const MIN_SAMPLES = 10

/**
 * Fits a detector: an expectation of each feature for each moment of the week, and an isolation forest on the deviations
 * from it, with a threshold. The same history, options and seed give the same model. The rows of the history are made
 * regular first, see `regularHistory`.
 *
 * @throws RangeError with fewer than MIN_SAMPLES rows, a value outside its range, or an unknown time zone
 */
export function fitAnomalyModel(history: History, options: AnomalyModelOptions): AnomalyModel {
  const { contamination, anomalyThreshold, nEstimators = 100, maxSamples = 256, seed } = options
  const { timeZone = 'UTC', effects = DEFAULT_EFFECTS } = options
  assertSamples(history)
  const rows = regularHistory(history, options.intervalSeconds)
  assertSamples(rows)
  const { samples, timesMs, intervalSeconds } = rows
  const localTime = localTimeOf(timeZone)
  const histories = featureHistories(rows, localTime)
  const expectations = mapFeatures((feature) => fitExpectation(feature, histories[feature]))
  const deviations = [...intervalsOf(samples, intervalSeconds)].map((row, i) =>
    deviationOf(row, localTime(timesMs[i]!), expectations, NO_LEVEL, NO_SPREAD, intervalSeconds),
  )
  const { gate } = gatesOf(intervalSeconds)
  const usual = deviations.map((deviation) => strengthsOf(channelsOf(deviation, effects, 1), gate))
  const sown = [...usual, ...artificialOutliers(usual, seed)]
  const forest = fitIsolationForest(forestMatrix(sown), {
    nSamples: sown.length,
    nFeatures: FOREST_COLUMNS,
    nEstimators,
    maxSamples,
    seed,
  })
  const negated = anomalyScores(forest, forestMatrix(usual)).map((score) => -score)
  return {
    forest,
    threshold: contaminationThreshold(negated, contamination, anomalyThreshold),
    contamination,
    nSamples: history.timesMs.length,
    intervalSeconds,
    days: daysOf(histories.requests_per_second),
    baselines: mapFeatures((_, index) => baselineOf(column(samples, index))),
    expectations,
    tenths: mapFeatures((feature) => tenthsOf(deviations.map((deviation) => modelZOf(deviation[feature])))),
    timeZone,
    thresholds: NEUTRAL,
    silentHours: silentHours(rows, localTime, (minuteOfWeek) => {
      const { day } = localTime(timesMs.at(-1)!)
      const expected = expectedAt(expectations.requests_per_second, { day, minuteOfWeek })
      return fromScale('requests_per_second', expected, intervalSeconds) * intervalSeconds
    }),
  }
}

/** A history by feature. A latency of a row without requests is not known. */
export function featureHistories(
  { samples, timesMs, intervalSeconds }: RegularHistory,
  localTime: LocalTime,
): PerFeature<FeatureHistory> {
  const columns = mapFeatures((_, index) => column(samples, index))
  const moments = Array.from(timesMs, localTime)
  const shared = {
    rowMinutes: intervalSeconds / 60,
    days: Int32Array.from(moments, ({ day }) => day),
    minutesOfWeek: Uint16Array.from(moments, ({ minuteOfWeek }) => minuteOfWeek),
    requests: columns.requests_per_second.map((rate) => rate * intervalSeconds),
  }
  const values = mapFeatures((feature) => known(feature, columns))
  const tail = tailIndexOf(values.p95_latency_ms, values.p99_latency_ms, shared.requests)
  return mapFeatures((feature) => ({
    values: values[feature],
    ...shared,
    tail: isPercentile(feature) ? tail : 0,
  }))
}

/** @throws RangeError */
function assertSamples({ samples, timesMs }: History): void {
  if (samples.length !== timesMs.length * N_FEATURES || timesMs.length < MIN_SAMPLES) {
    throw new RangeError(
      `A model needs at least ${MIN_SAMPLES} rows of ${N_FEATURES} features and a time each.`,
    )
  }
  if (!samples.every((value, index) => isSample(value, FEATURES[index % N_FEATURES]!))) {
    throw new RangeError(`Samples must be numbers from 0 to ${MAX_SAMPLE}; a latency may be NaN.`)
  }
}

/** A row without requests has no latency and no error rate. The 0 that stands for them is not learned. */
function known(feature: Feature, columns: PerFeature<Float64Array>): Float64Array {
  const { requests_per_second: rates } = columns
  if (feature === 'requests_per_second') return rates
  return columns[feature].map((value, i) => (rates[i]! > 0 ? value : NaN))
}

/** Of the values that are known; 0 for all figures where none is, as for a column that was not recorded. */
function baselineOf(values: Float64Array): Baseline {
  const known = values.filter((value) => !Number.isNaN(value))
  return fitBaseline(known.length > 0 ? known : new Float64Array(1))
}

function isSample(value: number, feature: Feature): boolean {
  return (value >= 0 && value <= MAX_SAMPLE) || (Number.isNaN(value) && isLatency(feature))
}

function column(samples: Float64Array, index: number): Float64Array {
  return Float64Array.from(
    { length: samples.length / N_FEATURES },
    (_, row) => samples[row * N_FEATURES + index]!,
  )
}

type Row = Parameters<typeof writeForestRow>[0]

/** The rows of a forest's matrix, see `writeForestRow`. */
export function forestMatrix(rows: readonly Row[]): Float64Array {
  const matrix = new Float64Array(rows.length * FOREST_COLUMNS)
  rows.forEach((row, index) => writeForestRow(row, matrix, index))
  return matrix
}

/** The kinds of artificial outliers. */
const OUTLIER_KINDS = [
  (z: number) => ({ traffic_spike: { z }, traffic_drop: { z: -z } }),
  (z: number) => ({ traffic_spike: { z: -z }, traffic_drop: { z } }),
  (z: number) => ({ latency_spike: { z } }),
  (z: number) => ({ error_rate_spike: { z } }),
] as const

/** Artificial outliers for each sample. */
export const OUTLIER_SHARE = 0.02

/** The range of their z, on the scale of the forest's columns, on which it is uniform. */
const OUTLIER_RANGE = { from: Math.log1p(3.5), to: Math.log1p(30) }

/**
 * Artificial outliers: usual minutes with one kind of deviation added. A forest splits only where its samples differ.
 * Fitted on a calm history alone, it cannot distinguish tenfold traffic from the busiest minute. It is therefore fitted
 * on the samples and a few artificial outliers (Fan, Miller, Stolfo, Lee and Chan 2001, "Using Artificial Anomalies to
 * Detect Unknown and Known Network Intrusions"). Only the real samples set the threshold.
 */
export function artificialOutliers(usual: readonly Strengths[], seed: number): Row[] {
  const random = createRandom(seed)
  const count = Math.max(1, Math.round((usual.length * OUTLIER_SHARE) / OUTLIER_KINDS.length))
  const { from, to } = OUTLIER_RANGE
  return OUTLIER_KINDS.flatMap((outlier) =>
    Array.from({ length: count }, () => ({
      ...usual[random.integer(usual.length)]!,
      ...outlier(Math.expm1(from + (to - from) * random.uniform())),
    })),
  )
}

/** Whether the history was long enough to learn a rhythm of the day. */
export function knowsTheDay({ days }: Pick<AnomalyModel, 'days'>): boolean {
  return days >= MIN_DAYS.day
}
