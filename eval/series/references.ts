import { anomalyScores } from '../../models/isolation-forest/anomaly-scores.js'
import { fitIsolationForest } from '../../models/isolation-forest/fit-isolation-forest.js'
import { rowSeconds } from '../../models/anomaly/row-interval.js'
import { DAY_MS } from '../../models/traffic/durations.js'
import { errorsOf, fitSmoothing, holtWinters, meanSquare } from './holt-winters.js'
import type { Series } from './series.js'
import { blocksOf } from './walk-forward.js'

/** Scores each row by what is known before its block: higher is more anomalous. Rows of the probation have 0. */
type Reference = (series: Series) => Float64Array

/** The detectors that the service is compared with. */
export const REFERENCES: Readonly<Record<string, Reference>> = {
  'Holt-Winters': byHoltWinters,
  EWMA: byEwma,
  'plain forest': byForest,
}

const DAY_SECONDS = 86_400

/** The size of the error of additive Holt-Winters smoothing with a season of a day, in standard deviations of the known errors. */
function byHoltWinters({ timesMs, values }: Series): Float64Array {
  const scores = new Float64Array(values.length)
  for (const { from, to } of blocksOf({ timesMs })) {
    const known = values.subarray(0, from)
    const period = Math.round(DAY_SECONDS / rowSeconds(timesMs.subarray(0, from)))
    const forecasts = holtWinters(values.subarray(0, to), from, period, fitSmoothing(known, period))
    const sd = Math.sqrt(meanSquare(errorsOf(known, forecasts.subarray(0, from))))
    for (let i = from; i < to; i++) scores[i] = Math.abs(values[i]! - forecasts[i]!) / Math.max(sd, 1e-9)
  }
  return scores
}

/** Weight of the newest row, as Montgomery recommends ("Statistical Quality Control", section 9.2). */
const LAMBDA = 0.2

/** The distance of an exponentially weighted mean from the known mean, in its standard deviations (Roberts 1959). */
function byEwma(series: Series): Float64Array {
  const { values } = series
  const scores = new Float64Array(values.length)
  let smoothed = NaN
  for (const { from, to } of blocksOf(series)) {
    const known = values.subarray(0, from)
    const mean = known.reduce((sum, value) => sum + value, 0) / from
    const sd = Math.sqrt(meanSquare(known.map((value) => value - mean)) * (LAMBDA / (2 - LAMBDA)))
    if (Number.isNaN(smoothed)) smoothed = mean
    for (let i = from; i < to; i++) {
      smoothed += LAMBDA * (values[i]! - smoothed)
      scores[i] = Math.abs(smoothed - mean) / Math.max(sd, 1e-9)
    }
  }
  return scores
}

const COLUMNS = 3

/** The score of a plain isolation forest on the value and the time of the day. */
function byForest(series: Series): Float64Array {
  const { timesMs, values } = series
  const scores = new Float64Array(values.length)
  const matrix = new Float64Array(values.length * COLUMNS)
  values.forEach((value, i) => {
    const angle = (2 * Math.PI * (timesMs[i]! % DAY_MS)) / DAY_MS
    matrix.set([value, Math.sin(angle), Math.cos(angle)], i * COLUMNS)
  })
  for (const { from, to } of blocksOf(series)) {
    const known = matrix.subarray(0, from * COLUMNS)
    const forest = fitIsolationForest(known, { nSamples: from, nFeatures: COLUMNS, seed: 1 })
    scores.set(anomalyScores(forest, matrix.subarray(from * COLUMNS, to * COLUMNS)), from)
  }
  return scores
}
