import { deviationOf, NO_LEVEL, NO_SPREAD, type Level } from './deviation.js'
import type { LeastEffects } from './effects.js'
import type { Interval, PerFeature } from './features.js'
import { localTimeOf } from '../seasonality/local-time.js'
import { knowsTheDay, type AnomalyModel } from './model.js'
import { channelsOf, FOREST_COLUMNS, strengthsOf, writeForestRow } from './strengths.js'
import { findByItself, verdictOf, type JudgedInterval, type Verdict } from './verdict.js'

/** An interval and when it began, ms since 1970. */
export interface TimedInterval {
  readonly interval: Interval
  readonly timeMs: number
}

/** s(x, n) of the rows of a matrix `[nRows, FOREST_COLUMNS]`, row-major, by the model's forest. */
export type ScoreRows = (matrix: Float64Array) => Float64Array

/**
 * Without a rhythm of the day the evening is as likely as the noon that was seen: only what no time of day does
 * matters. log(1 + 25 %) × 2 × 3.1 is a factor of four.
 */
const UNKNOWN_DAY_FACTOR = 3.1

/** The same for a stream whose own level follows the evening: a factor of two and a half. */
const FOLLOWED_DAY_FACTOR = 2

/** What the smallest effects are multiplied with, for a stream whose own level is known or not. */
export function effectFactor(model: AnomalyModel, isFollowed: boolean): number {
  if (knowsTheDay(model)) return 1
  return isFollowed ? FOLLOWED_DAY_FACTOR : UNKNOWN_DAY_FACTOR
}

const MODEL_LEVEL = { level: NO_LEVEL, spread: NO_SPREAD }

/** Deviations of intervals from what the model expects, with the forest's score of each. */
export function assess(
  intervals: readonly TimedInterval[],
  model: AnomalyModel,
  effects: LeastEffects,
  score: ScoreRows,
  { level, spread }: { level: Level; spread: PerFeature<number> } = MODEL_LEVEL,
  factor = effectFactor(model, false),
): JudgedInterval[] {
  const matrix = new Float64Array(intervals.length * FOREST_COLUMNS)
  const localTime = localTimeOf(model.timeZone)
  const assessed = intervals.map(({ interval, timeMs }, row) => {
    const moment = localTime(timeMs)
    const deviation = deviationOf(interval, moment, model.expectations, level, spread)
    const channels = channelsOf(deviation, effects, factor)
    const strengths = strengthsOf(channels)
    writeForestRow(strengths, matrix, row)
    return { interval, moment, deviation, channels, strengths }
  })
  const scores = score(matrix)
  return assessed.map(({ interval, moment, deviation, channels, strengths }, row) => {
    const score = -scores[row]! - model.threshold
    return { interval, moment, deviation, factor, channels, strengths, score }
  })
}

/**
 * Judges intervals, each by itself: deviations from the expected values, the forest's score of them, the verdict.
 * Their order does not matter.
 */
export function judgeIntervals(
  intervals: readonly TimedInterval[],
  model: AnomalyModel,
  effects: LeastEffects,
  score: ScoreRows,
): Verdict[] {
  return assess(intervals, model, effects, score).map((judged) =>
    verdictOf(judged, findByItself(judged, effects), effects, model.nSamples),
  )
}
