import { localTimeOf, type LocalMinute } from '../seasonality/local-time.js'
import { deviationOf, NO_LEVEL, NO_SPREAD, type Deviation, type Level } from './deviation.js'
import type { LeastEffects } from './effects.js'
import { intervalsOf, type Interval, type PerFeature } from './features.js'
import { FOREST_COLUMNS, writeForestRow } from './forest-row.js'
import { gatesOf, type Gates } from './gates.js'
import { knowsTheDay, type AnomalyModel } from './model.js'
import { expectedRange, nearestDeviation } from './nearest-level.js'
import type { RegularHistory } from './regular-history.js'
import { fromScale } from './scales.js'
import { isSilentAt } from './silent-hours.js'
import { channelsOf, strengthsOf, type Channels, type Strengths } from './strengths.js'

/** An interval and its beginning, ms since 1970. */
export interface TimedInterval {
  readonly interval: Interval
  readonly timeMs: number
}

/** An interval with its deviations from the expected values. */
export interface MeasuredInterval {
  readonly interval: Interval
  readonly moment: LocalMinute
  /** From the nearest of what may be expected, see `nearestDeviation`. It decides. */
  readonly deviation: Deviation
  /** From the baseline of the source. The baseline learns from it. */
  readonly fromBaseline: Deviation
  /** Multiplies the smallest effects that matter, see `effectFactor`. */
  readonly factor: number
  /** The gates of an interval of this length. */
  readonly gates: Gates
  /** The usual traffic of this moment as a share of that of the whole history, 0…1. */
  readonly busyness: number
  readonly channels: Channels
  readonly strengths: Strengths
}

/** s(x, n) of the rows of a matrix `[nRows, FOREST_COLUMNS]`, row-major, by the model's forest. */
export type ScoreRows = (matrix: Float64Array) => Float64Array

/**
 * Without a rhythm of the day, an evening may be as usual as the noon that was seen. Only a deviation that no time of
 * day explains matters: log(1 + 25 %) × 2 × 3.1 is a factor of four.
 */
export const UNKNOWN_DAY_FACTOR = 3.1

/** The same for a stream whose baseline follows the evening: a factor of two and a half. */
export const FOLLOWED_DAY_FACTOR = 2

/**
 * The factor on the smallest effects that matter.
 * @param isFollowed whether the baseline of the source follows the time of day
 */
export function effectFactor(model: AnomalyModel, isFollowed: boolean): number {
  if (knowsTheDay(model)) return 1
  return isFollowed ? FOLLOWED_DAY_FACTOR : UNKNOWN_DAY_FACTOR
}

/** The rows of a history. */
export function timedIntervals({ samples, timesMs, intervalSeconds }: RegularHistory): TimedInterval[] {
  const intervals = intervalsOf(samples, intervalSeconds)
  return Array.from(intervals, (interval, row) => ({ interval, timeMs: timesMs[row]! }))
}

/** What is expected of a source, besides what the model expects. */
export interface ExpectedBaseline {
  /** Added to the model's expected values. */
  readonly level: Level
  /** Where that level was before it moved; the same without it. */
  readonly reference?: Level
  /** Factors on the model's standard deviations. */
  readonly spread: PerFeature<number>
}

const MODEL_BASELINE = { level: NO_LEVEL, spread: NO_SPREAD }

/**
 * The deviations of an interval from what the model expects of a source at that moment.
 *
 * @param baseline the source's difference from the model; without it the source is the whole gateway
 * @param factor see `effectFactor`; without it that of an interval outside a stream
 */
export function measure(
  { interval, timeMs }: TimedInterval,
  model: AnomalyModel,
  effects: LeastEffects,
  { level, reference = level, spread }: ExpectedBaseline = MODEL_BASELINE,
  factor = effectFactor(model, false),
): MeasuredInterval {
  const moment = localTimeOf(model.timeZone)(timeMs)
  const { expectations, intervalSeconds } = model
  const from = (shift: Level, unshifted: Deviation | null) =>
    deviationOf(interval, moment, expectations, level, spread, intervalSeconds, shift, unshifted)
  const fromLevel = from(NO_LEVEL, null)
  const range = expectedRange(fromLevel, interval, moment, model, effects, level, reference)
  const lowest = range === null ? fromLevel : from(range.low, fromLevel)
  const highest = range === null ? fromLevel : from(range.high, fromLevel)
  const deviation =
    range === null
      ? fromLevel
      : nearestDeviation(fromLevel, lowest, highest, (shift) => from(shift, fromLevel))
  const fromBaseline = isSilence(fromLevel, moment, model) ? withoutTraffic(fromLevel) : fromLevel
  const gates = gatesOf(interval.seconds)
  const channels = channelsOf(deviation, effects, factor, { lowest, highest })
  const usual =
    fromScale('requests_per_second', fromBaseline.requests_per_second.expected, interval.seconds) *
    Math.exp(-level.requests_per_second)
  const busyness = Math.min(1, usual / Math.max(usual, model.baselines.requests_per_second.mean, 1e-9))
  const strengths = strengthsOf(channels, gates.gate)
  return { interval, moment, deviation, fromBaseline, factor, gates, busyness, channels, strengths }
}

/** Whether less traffic than expected is usual in this hour. */
function isSilence(
  { requests_per_second }: Deviation,
  { minuteOfWeek }: LocalMinute,
  { silentHours }: Pick<AnomalyModel, 'silentHours'>,
): boolean {
  return requests_per_second.residual < 0 && isSilentAt(silentHours, minuteOfWeek)
}

/** The baseline of traffic learns nothing from silence that is usual. */
function withoutTraffic(deviation: Deviation): Deviation {
  return { ...deviation, requests_per_second: { ...deviation.requests_per_second, residual: NaN } }
}

/**
 * The forest's score of intervals: −s(x, n) − threshold, negative when the forest calls an interval anomalous.
 * @returns `[nIntervals]`; nothing for no intervals
 */
export function forestScores(
  measured: readonly Pick<MeasuredInterval, 'strengths'>[],
  { threshold }: Pick<AnomalyModel, 'threshold'>,
  score: ScoreRows,
): Float64Array {
  const matrix = new Float64Array(measured.length * FOREST_COLUMNS)
  measured.forEach(({ strengths }, row) => writeForestRow(strengths, matrix, row))
  return score(matrix).map((each) => -each - threshold)
}

/** The forest's score of one interval, without the arrays of several. */
export function forestScore(
  { strengths }: Pick<MeasuredInterval, 'strengths'>,
  { threshold }: Pick<AnomalyModel, 'threshold'>,
  score: ScoreRows,
): number {
  const matrix = new Float64Array(FOREST_COLUMNS)
  writeForestRow(strengths, matrix, 0)
  return -score(matrix)[0]! - threshold
}
