import { decideMinute } from './decision.js'
import type { LeastEffects } from './effects.js'
import { forestScores, measure, type ScoreRows, type TimedInterval } from './measure.js'
import type { AnomalyModel } from './model.js'
import { verdictOf, type Verdict } from './verdict.js'

/**
 * Judges intervals independently: deviation, forest, decision, verdict. The order of the intervals does not matter.
 *
 * @param intervals `[n]`; none give no verdicts
 * @returns `[n]`, in the order of the intervals
 */
export function judgeIntervals(
  intervals: readonly TimedInterval[],
  model: AnomalyModel,
  effects: LeastEffects,
  score: ScoreRows,
): Verdict[] {
  const measured = intervals.map((timed) => measure(timed, model, effects))
  const scores = forestScores(measured, model, score)
  return measured.map((each, index) =>
    verdictOf(each, decideMinute(each, scores[index]!, effects, model.thresholds), effects, model),
  )
}
