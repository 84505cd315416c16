import { MIN_ERROR_SHARE, type Deviation, type FeatureDeviation, type Level } from '../anomaly/deviation.js'
import { FEATURES, type Feature, type PerFeature } from '../anomaly/features.js'
import { fromScale, HALF } from '../anomaly/scales.js'
import { weightOf } from './informative-requests.js'
import { knowsShare, type SourceBaseline } from './source-baseline.js'

/** Minutes until the level has followed half of a lasting difference. A new source learns faster. */
export const HALF_LIFE: PerFeature<number> = {
  requests_per_second: 30,
  avg_latency_ms: 120,
  p95_latency_ms: 120,
  p99_latency_ms: 120,
  error_rate: 240,
}

/** The same for traffic when the model knows no rhythm of the day, so that an evening is followed. */
export const UNKNOWN_DAY_HALF_LIFE = 10

/** The same for all features when a deviation has lasted so long that it is the new normal. */
export const SETTLING_HALF_LIFE = 20

/** The same for a step in latency after a deployment. */
export const DEPLOYED_HALF_LIFE = 1.5

export const SPREAD_HALF_LIFE = 240

/** The most standard deviations that one report counts. Traffic may fall by half on the morning of a holiday. */
export const CLIP = 1.5
export const TRAFFIC_CLIP = 2.5
const SPREAD_CLIP = 3

export const MAX_SPREAD = 3

/** The mean absolute value of a standard normal variable. */
const NORMAL_SIZE = 0.798

/**
 * The baseline after a normal report: exponential smoothing of level and spread. A single report counts at most some
 * standard deviations. NaN residuals and reports without weight teach nothing.
 *
 * @param minutes since the report before, above 0
 * @param requests of the report
 * @param knowsDay whether the model knows a rhythm of the day
 */
export function followReport(
  baseline: SourceBaseline,
  deviation: Deviation,
  minutes: number,
  requests: number,
  knowsDay: boolean,
): SourceBaseline {
  const age = baseline.minutes
  const spreadGain = gain(minutes, SPREAD_HALF_LIFE, age)
  const level = { ...baseline.level }
  const spread = { ...baseline.spread }
  for (const feature of FEATURES) {
    const of = deviation[feature]
    const isTraffic = feature === 'requests_per_second'
    const weight = weightOf(feature, isTraffic ? of.requests : requests)
    if (weight === 0 || Number.isNaN(of.residual)) continue
    if (!isTraffic || knowsShare(baseline)) {
      const halfLife = isTraffic && !knowsDay ? UNKNOWN_DAY_HALF_LIFE : HALF_LIFE[feature]
      level[feature] += weight * gain(minutes, halfLife, age) * stepOf(feature, of, level[feature])
    }
    spread[feature] = spreadAfter(spread[feature], of, weight * spreadGain)
  }
  return afterMinutes(baseline, level, spread, minutes)
}

/**
 * The baseline after a report of a deviation that is the new normal: the level moves to what is measured, without a
 * limit on a report. Parameters as of {@link followReport}.
 *
 * @param halfLife minutes until half of the difference is followed
 */
export function settleReport(
  baseline: SourceBaseline,
  deviation: Deviation,
  minutes: number,
  requests: number,
  halfLife: number,
): SourceBaseline {
  const share = 1 - 2 ** (-minutes / halfLife)
  const level = { ...baseline.level }
  for (const feature of FEATURES) {
    const of = deviation[feature]
    const weight = feature === 'requests_per_second' ? 1 : weightOf(feature, requests)
    if (weight === 0 || Number.isNaN(of.residual)) continue
    const step = feature === 'error_rate' ? stepOf(feature, of, level[feature]) : of.residual
    level[feature] += weight * share * step
  }
  return afterMinutes(baseline, level, { ...baseline.spread }, minutes)
}

function afterMinutes(
  { startLevel, minutes: age, isGateway, warmUp }: SourceBaseline,
  level: Level,
  spread: PerFeature<number>,
  minutes: number,
): SourceBaseline {
  return { level, startLevel, spread, minutes: age + minutes, isGateway, warmUp }
}

/** The share of a difference that is followed in some minutes; after n minutes of age at least 1 / (n + 2). */
function gain(minutes: number, halfLife: number, age: number): number {
  return Math.max(1 - 2 ** (-minutes / halfLife), 1 / (age + 2))
}

function spreadAfter(
  spread: number,
  { residual, sigmaUp, sigmaDown }: FeatureDeviation,
  share: number,
): number {
  const size = Math.min(SPREAD_CLIP, Math.abs(residual) / (residual > 0 ? sigmaUp : sigmaDown))
  return Math.min(MAX_SPREAD, Math.max(1, spread * (1 + share * (size / NORMAL_SIZE - 1))))
}

/**
 * How far a report would move the level, on the scale of the feature. It is limited to some standard deviations, with two
 * exceptions: one error always counts, and latencies and errors may return all the way to the model.
 *
 * The residuals of small counts lie below zero on average, since logarithm and root are concave: by a fifth for two
 * requests a minute. Counts therefore use the step of Fisher's scoring (McCullagh and Nelder 1989, section 2.5), whose
 * mean is right.
 */
function stepOf(
  feature: Feature,
  { residual, expected, sigmaUp, sigmaDown, count, requests }: FeatureDeviation,
  level: number,
): number {
  if (feature === 'requests_per_second') {
    const step = (count - requests) / (requests + HALF)
    return Math.min(TRAFFIC_CLIP * sigmaUp, Math.max(-TRAFFIC_CLIP * sigmaDown, step))
  }
  const min = level > 0 ? Math.min(-level, -CLIP * sigmaDown) : -CLIP * sigmaDown
  if (feature !== 'error_rate') return Math.min(CLIP * sigmaUp, Math.max(min, residual))
  const share = fromScale(feature, expected)
  const slope = 2 * Math.sqrt(Math.max(share, MIN_ERROR_SHARE) * Math.max(1 - share, MIN_ERROR_SHARE))
  const one = 1 / requests / slope
  return Math.min(Math.max(one, CLIP * sigmaUp), Math.max(min, (count / requests - share) / slope))
}
