import { deviations } from './deviation.js'
import type { Interval } from './features.js'
import type { AnomalyModel } from './model.js'
import { FOREST_COLUMNS, writeForestRow } from './strengths.js'
import { judge, type Verdict } from './verdict.js'

/**
 * Judges intervals, each by itself: deviations from the expected values, the forest's score of them, the verdict.
 *
 * @param score s(x, n) of the rows of a matrix `[nRows, FOREST_COLUMNS]`, row-major, by the model's forest
 * @returns a verdict for each interval, in their order
 */
export function judgeIntervals(
  intervals: readonly Interval[],
  model: AnomalyModel,
  score: (matrix: Float64Array) => Float64Array,
): Verdict[] {
  const matrix = new Float64Array(intervals.length * FOREST_COLUMNS)
  const deviation = intervals.map((interval) => deviations(interval, model.expectations))
  deviation.forEach((each, row) => writeForestRow(each, matrix, row))
  const scores = score(matrix)
  return intervals.map((interval, row) =>
    judge(interval, deviation[row]!, -scores[row]! - model.threshold, model),
  )
}
