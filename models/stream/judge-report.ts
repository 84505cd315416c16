import { calendarEntryAt, type CalendarEntry } from '../anomaly/calendar.js'
import { judgeIntervals } from '../anomaly/detector.js'
import type { LeastEffects } from '../anomaly/effects.js'
import type { PerFeature } from '../anomaly/features.js'
import type { ScoreRows, TimedInterval } from '../anomaly/measure.js'
import type { AnomalyModel } from '../anomaly/model.js'
import { forModel, type StreamState } from './stream-state.js'
import { alone, silenced, type StreamVerdict } from './stream-verdict.js'
import { judgeNext } from './stream.js'

/** A model with everything that its verdicts depend on. */
export interface Detector {
  readonly modelVersion: string
  readonly model: AnomalyModel
  readonly score: ScoreRows
  readonly effects: LeastEffects
  readonly calendar: readonly CalendarEntry[]
  /** When something of the source was deployed lately, ms since 1970; left out where nothing was. */
  readonly deployedMs?: readonly number[]
}

/**
 * Judges the next report of a source. At a time that the calendar excludes, the report is no anomaly and the state stays
 * as it was.
 *
 * @returns `modelZ` as of `judgeNext`; null at an excluded time
 */
export function judgeReport(
  before: StreamState,
  source: string,
  timed: TimedInterval,
  { modelVersion, model, score, effects, calendar, deployedMs }: Detector,
): { verdict: StreamVerdict; state: StreamState; modelZ: PerFeature<number> | null } {
  const state = forModel(before, source, modelVersion, model)
  const judged = judgeNext(state, timed, model, effects, score, deployedMs)
  const entry = calendarEntryAt(calendar, timed.timeMs)
  return entry ? { verdict: silenced(judged.verdict, entry), state, modelZ: null } : judged
}

/**
 * Judges reports alone: no stream is read or changed, and their order does not matter.
 *
 * @returns one verdict for each report, in their order
 */
export function judgeAlone(
  reports: readonly TimedInterval[],
  { model, score, effects, calendar }: Detector,
): StreamVerdict[] {
  return judgeIntervals(reports, model, effects, score).map((verdict, index) => {
    const entry = calendarEntryAt(calendar, reports[index]!.timeMs)
    return entry ? silenced(alone(verdict), entry) : alone(verdict)
  })
}
