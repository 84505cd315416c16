import { judgeIntervals } from '../../../models/anomaly/detector.js'
import { DEFAULT_EFFECTS } from '../../../models/anomaly/effects.js'
import { FEATURES } from '../../../models/anomaly/features.js'
import type { TimedInterval } from '../../../models/anomaly/measure.js'
import { fitAnomalyModel, knowsTheDay, type AnomalyModel } from '../../../models/anomaly/model.js'
import type { History } from '../../../models/anomaly/regular-history.js'
import type { Verdict } from '../../../models/anomaly/verdict.js'
import { createKernelEngine, type ScoringEngine } from '../../../models/scoring/index.js'
import { createRandom } from '../../../models/statistics/random.js'
import { calibrate } from '../../../models/stream/calibration/calibrate.js'
import { beginStream, GATEWAY, type StreamState } from '../../../models/stream/stream-state.js'
import type { StreamVerdict } from '../../../models/stream/stream-verdict.js'
import { judgeNext } from '../../../models/stream/stream.js'
import { binomial, poisson } from '../../../eval/detection/draws.js'
import { MINUTE_MS } from '../../../models/traffic/durations.js'

export const DAY = 1440

/** A Monday. */
export const HISTORY_MS = Date.parse('2026-11-02T00:00:00Z')
/** Minutes of the history; the minute after it is minute 0 of what is judged. */
export const TWO_WEEKS = 14 * DAY

/** Factors on what is usual, and a share of errors that is added. */
export interface Condition {
  readonly traffic?: number
  readonly latency?: number
  readonly errors?: number
}

/** What a gateway is like. */
export interface Gateway {
  /** Requests of its usual minute at midnight and at noon. */
  readonly night: number
  readonly noon: number
  readonly seed: number
}

export const BUSY: Gateway = { night: 700, noon: 1700, seed: 1 }

/** When rows begin, and how long each is; a minute when left out. */
interface Rows {
  readonly startMs: number
  readonly count: number
  readonly seconds?: number
}

/** Minutes with counts that are Poisson's, failures that are binomial, and percentiles with their sampling noise. */
export function minutes(
  { night, noon, seed }: Gateway,
  { startMs, count, seconds = 60 }: Rows,
  conditionAt: (minute: number) => Condition = () => ({}),
): TimedInterval[] {
  const random = createRandom(seed)
  const noisy = (value: number, sd: number) => value * Math.exp(sd * random.normal())
  return Array.from({ length: count }, (_, minute) => {
    const timeMs = startMs + minute * seconds * 1000
    const { traffic = 1, latency = 1, errors = 0 } = conditionAt(minute)
    const share = (1 - Math.cos((2 * Math.PI * (timeMs % (DAY * MINUTE_MS))) / (DAY * MINUTE_MS))) / 2
    const rate = traffic * noisy(night + (noon - night) * share, 0.04)
    const requests = poisson(random, (rate * seconds) / 60)
    const slow = noisy(40 * latency, 0.03)
    const few = 1 / Math.sqrt(Math.max(1, requests))
    const average = noisy(slow, 0.7 * few)
    const p95 = Math.max(average, noisy(2.5 * slow, few))
    const interval = {
      requests_per_second: requests / seconds,
      avg_latency_ms: average,
      p95_latency_ms: p95,
      p99_latency_ms: Math.max(p95, noisy(4 * slow, 1.5 * few)),
      error_rate: binomial(random, requests, 0.01 + errors) / Math.max(1, requests),
      ...{ seconds, requests },
    }
    const silent = { avg_latency_ms: 0, p95_latency_ms: 0, p99_latency_ms: 0 }
    return { interval: requests === 0 ? { ...interval, ...silent } : interval, timeMs }
  })
}

export interface Detector {
  readonly model: AnomalyModel
  readonly engine: ScoringEngine
}

export function fitted(history: readonly TimedInterval[]): Detector {
  const model = fitAnomalyModel(historyOf(history), { contamination: 0.1, anomalyThreshold: -0.5, seed: 1 })
  return { model, engine: createKernelEngine(model.forest) }
}

/** The same with the thresholds that a training sets. */
export function calibrated(history: readonly TimedInterval[], alarmBudget = 0.5): Detector {
  const { model, engine } = fitted(history)
  const score = (matrix: Float64Array) => engine.score(matrix)
  const options = { effects: DEFAULT_EFFECTS, alarmBudget, score }
  return { model: calibrate(historyOf(history), model, options), engine }
}

function historyOf(history: readonly TimedInterval[]): History {
  return {
    samples: Float64Array.from(history.flatMap(({ interval }) => FEATURES.map((name) => interval[name]))),
    timesMs: Float64Array.from(history, ({ timeMs }) => timeMs),
  }
}

/** How many episodes there are in verdicts on reports one after another. */
export function episodes(verdicts: readonly StreamVerdict[]): number {
  return new Set(verdicts.flatMap(({ confirmed, episodeSinceMs }) => (confirmed ? [episodeSinceMs] : [])))
    .size
}

/** Verdicts on reports one after another, and the state after them. */
export function judgeAll(
  { model, engine }: Detector,
  reports: readonly TimedInterval[],
  begun: StreamState = beginStream(GATEWAY, knowsTheDay(model)),
): { verdicts: StreamVerdict[]; state: StreamState } {
  let state = begun
  const verdicts = reports.map((report) => {
    const next = judgeNext(state, report, model, DEFAULT_EFFECTS, (matrix) => engine.score(matrix))
    state = next.state
    return next.verdict
  })
  return { verdicts, state }
}

export function judgeAlone({ model, engine }: Detector, reports: readonly TimedInterval[]): Verdict[] {
  return judgeIntervals(reports, model, DEFAULT_EFFECTS, (matrix) => engine.score(matrix))
}

/** The first alarm at or after a minute; −1 without one. */
export function firstAlarm(verdicts: readonly StreamVerdict[], from = 0): number {
  return verdicts.findIndex(({ confirmed }, minute) => minute >= from && confirmed)
}
