import { quantile } from '../statistics/quantile.js'

/**
 * The threshold on the scale of -s(x, n) below which a sample counts as anomalous: the quantile (type 7) at
 * the expected share of anomalies, or the ceiling where that is lower.
 *
 * @param negatedScores -s(x, n) of the training samples, -1 to 0, any order, at least one
 * @param contamination expected share of anomalies, 0 < contamination <= 0.5
 * @param ceiling highest threshold to return, -1 to 0
 * @throws RangeError if contamination is out of its range, or there are no scores
 */
export function contaminationThreshold(
  negatedScores: ArrayLike<number>,
  contamination: number,
  ceiling: number,
): number {
  if (!(contamination > 0 && contamination <= 0.5)) {
    throw new RangeError(`contamination is ${contamination}: it must be above 0 and at most 0.5`)
  }
  return Math.min(quantile(negatedScores, contamination), ceiling)
}
