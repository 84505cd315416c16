import type { MeasuredInterval } from '../anomaly/measure.js'
import { knowsTheDay, type AnomalyModel } from '../anomaly/model.js'
import type { Episode } from './episode.js'
import { followReport, settleReport } from './follow-baseline.js'
import { isWarmedUp, type SourceBaseline } from './source-baseline.js'
import { warmUp, withoutAbsorbed, type LearnedBaseline } from './warm-up.js'

/**
 * What a report teaches about its source. The baseline follows normal reports. It learns nothing within an alarm, unless
 * the alarm has become the new normal. Silence never does.
 *
 * @param rows time since the report before, in reports, above 0
 * @param isAnomaly whether the report is an anomaly alone
 * @param episode after the report
 * @param settling half-life in minutes in which its deviation becomes usual; null where it does not
 */
export function learnReport(
  baseline: SourceBaseline,
  { fromBaseline: deviation, interval }: Pick<MeasuredInterval, 'fromBaseline' | 'interval'>,
  rows: number,
  isAnomaly: boolean,
  episode: Episode | null,
  settling: number | null,
  model: AnomalyModel,
): LearnedBaseline {
  const { requests } = interval
  if (settling !== null && requests > 0) {
    return withoutAbsorbed(settleReport(baseline, deviation, rows, requests, settling))
  }
  const learned = isWarmedUp(baseline) ? withoutAbsorbed(baseline) : warmUp(baseline, deviation, requests)
  const endsWarmUp = !isWarmedUp(baseline) && isWarmedUp(learned.baseline)
  if (endsWarmUp || episode !== null || isAnomaly) return learned
  const followed = followReport(learned.baseline, deviation, rows, requests, knowsTheDay(model))
  return { baseline: followed, absorbed: learned.absorbed }
}
