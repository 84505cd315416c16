import { judgeIntervals } from '../../models/anomaly/detector.js'
import { DEFAULT_EFFECTS } from '../../models/anomaly/effects.js'
import { FEATURES, N_FEATURES } from '../../models/anomaly/features.js'
import { measure, type ScoreRows, type TimedInterval } from '../../models/anomaly/measure.js'
import { fitAnomalyModel, type AnomalyModel } from '../../models/anomaly/model.js'
import type { Strengths } from '../../models/anomaly/strengths.js'
import type { Verdict } from '../../models/anomaly/verdict.js'
import { anomalyScores } from '../../models/isolation-forest/anomaly-scores.js'
import { fitIsolationForest } from '../../models/isolation-forest/fit-isolation-forest.js'
import { contaminationThreshold } from '../../models/isolation-forest/threshold.js'
import { createKernelEngine } from '../../models/scoring/kernel-engine.js'
import { calibrate } from '../../models/stream/calibration/calibrate.js'
import { replay } from '../../models/stream/replay.js'
import type { SourceBaseline } from '../../models/stream/source-baseline.js'
import { beginStream, GATEWAY } from '../../models/stream/stream-state.js'
import { judgeNext } from '../../models/stream/stream.js'
import type { Row } from './minutes.js'

/** The judgement of a contender on a minute. */
export interface Judged {
  readonly timeMs: number
  readonly row: Row
  /** True if the minute belongs to an alarm. */
  readonly alarmed: boolean
  /** Orders minutes by how anomalous they look. */
  readonly rank: number
  /** Only for contenders that give more than a score. */
  readonly verdict: Verdict | null
  readonly strengths: Strengths | null
}

export interface Fitted {
  readonly model: AnomalyModel
  readonly score: ScoreRows
}

export function fitOurs(history: readonly Row[]): Fitted {
  const options = { contamination: 0.1, anomalyThreshold: -0.5, seed: 1 }
  const timesMs = Float64Array.from(history, ({ timestampMs }) => timestampMs)
  const minutes = { samples: samplesOf(history), timesMs }
  const fitted = fitAnomalyModel(minutes, options)
  const engine = createKernelEngine(fitted.forest)
  const score: ScoreRows = (matrix) => engine.score(matrix)
  const model = calibrate(minutes, fitted, { effects: DEFAULT_EFFECTS, alarmBudget: 0.5, score })
  return { model, score }
}

/** As a stream: alarms are confirmed minutes. */
export function judgeStream({ model, score }: Fitted, rows: readonly Row[], source = GATEWAY): Judged[] {
  let state = beginStream(source)
  return rows.map((row) => {
    const timed = timedOf(row, model.intervalSeconds)
    const { baseline } = state
    const next = judgeNext(state, timed, model, DEFAULT_EFFECTS, score)
    state = next.state
    const { verdict } = next
    return {
      timeMs: row.timestampMs,
      row,
      alarmed: verdict.confirmed,
      rank: verdict.normalizedScore,
      verdict,
      strengths: strengthsAt(model, timed, baseline),
    }
  })
}

/** As `POST /detect` judges it: rows that are shorter than those of the model are merged. */
export function judgeReplay({ model, score }: Fitted, rows: readonly Row[], seconds: number): Judged[] {
  const timed = rows.map((row) => timedOf(row, seconds))
  const detector = { modelVersion: '1', model, score, effects: DEFAULT_EFFECTS, calendar: [] }
  const { verdicts } = replay(
    timed.map((each) => ({ source: GATEWAY, timed: each })),
    detector,
  )
  return verdicts.map((verdict, i) => judgedRow(rows[i]!, timed[i]!, model, verdict, verdict.confirmed))
}

/** Row by row: alarms are anomalous rows. */
export function judgeBatch(
  { model, score }: Fitted,
  rows: readonly Row[],
  seconds = model.intervalSeconds,
): Judged[] {
  const timed = rows.map((row) => timedOf(row, seconds))
  return judgeIntervals(timed, model, DEFAULT_EFFECTS, score).map((verdict, i) =>
    judgedRow(rows[i]!, timed[i]!, model, verdict, verdict.anomaly),
  )
}

function judgedRow(
  row: Row,
  timed: TimedInterval,
  model: AnomalyModel,
  verdict: Verdict,
  alarmed: boolean,
): Judged {
  const { timestampMs: timeMs } = row
  return {
    timeMs,
    row,
    alarmed,
    rank: verdict.normalizedScore,
    verdict,
    strengths: strengthsAt(model, timed),
  }
}

/** A plain isolation forest over the five raw values: alarms are minutes beyond its threshold. */
export function judgePlain(
  history: readonly Row[],
  rows: readonly Row[],
  contaminations: readonly number[],
): Judged[][] {
  const samples = samplesOf(history)
  const forest = fitIsolationForest(samples, { nSamples: history.length, nFeatures: N_FEATURES, seed: 1 })
  const usual = anomalyScores(forest, samples).map((score) => -score)
  const scores = anomalyScores(forest, samplesOf(rows))
  return contaminations.map((contamination) => {
    const threshold = contaminationThreshold(usual, contamination, -0.5)
    return rows.map((row, i) => ({
      timeMs: row.timestampMs,
      row,
      alarmed: -scores[i]! < threshold,
      rank: scores[i]!,
      verdict: null,
      strengths: null,
    }))
  })
}

function strengthsAt(model: AnomalyModel, timed: TimedInterval, baseline?: SourceBaseline): Strengths {
  return measure(timed, model, DEFAULT_EFFECTS, baseline, 1).strengths
}

function timedOf(row: Row, seconds: number): TimedInterval {
  const { timestampMs, ...values } = row
  return {
    interval: { ...values, seconds, requests: Math.round(seconds * row.requests_per_second) },
    timeMs: timestampMs,
  }
}

function samplesOf(rows: readonly Row[]): Float64Array {
  const samples = new Float64Array(rows.length * N_FEATURES)
  rows.forEach((row, i) => FEATURES.forEach((feature, j) => (samples[i * N_FEATURES + j] = row[feature])))
  return samples
}
