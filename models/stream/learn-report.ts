import type { MeasuredInterval } from '../anomaly/measure.js'
import { knowsTheDay, type AnomalyModel } from '../anomaly/model.js'
import { isNewNormal, type Episode } from './episode.js'
import { followReport, settleReport } from './follow-baseline.js'
import { isWarmedUp, type SourceBaseline } from './source-baseline.js'
import { warmUp, withoutAbsorbed, type LearnedBaseline } from './warm-up.js'

/**
 * What a report teaches about its source. The baseline follows normal reports. It learns nothing within an alarm, unless
 * the alarm has become the new normal. Silence never does.
 *
 * @param minutes since the report before, above 0
 * @param isAnomaly whether the report is an anomaly alone
 * @param episode after the report
 */
export function learnReport(
  baseline: SourceBaseline,
  { fromBaseline: deviation, interval }: Pick<MeasuredInterval, 'fromBaseline' | 'interval'>,
  minutes: number,
  isAnomaly: boolean,
  episode: Episode | null,
  timeMs: number,
  model: AnomalyModel,
): LearnedBaseline {
  const { requests } = interval
  if (isNewNormal(episode, timeMs) && requests > 0) {
    return withoutAbsorbed(settleReport(baseline, deviation, minutes, requests))
  }
  const learned = isWarmedUp(baseline) ? withoutAbsorbed(baseline) : warmUp(baseline, deviation, requests)
  const endsWarmUp = !isWarmedUp(baseline) && isWarmedUp(learned.baseline)
  if (endsWarmUp || episode !== null || isAnomaly) return learned
  const followed = followReport(learned.baseline, deviation, minutes, requests, knowsTheDay(model))
  return { baseline: followed, absorbed: learned.absorbed }
}
