import { LEAST_ERROR_SHARE, type Deviation, type FeatureDeviation, type Level } from '../anomaly/deviation.js'
import { FEATURES, mapFeatures, type Feature, type PerFeature } from '../anomaly/features.js'
import { fromScale, HALF } from '../anomaly/scales.js'
import { quantile } from '../statistics/quantile.js'

/** A stream's own level and spread against the model, which knows the whole gateway. */
export interface OwnLevel {
  /** On the scale of each feature. */
  readonly level: Level
  /** Times the model's standard deviation, 1 to 3. */
  readonly spread: PerFeature<number>
  /** Minutes that were learned from. */
  readonly minutes: number
  /** It carries all that the model knows. */
  readonly isWhole: boolean
  /** First traffic residuals, until there are enough of them; null when its share of the traffic is known. */
  readonly first: readonly number[] | null
}

/** Reports from which a stream's share of the traffic is learned. */
const FIRST_REPORTS = 10

/** Minutes in which half of a lasting difference is taken over; a stream that is new learns faster. */
const HALF_LIFE: PerFeature<number> = {
  requests_per_second: 30,
  avg_latency_ms: 120,
  p95_latency_ms: 120,
  p99_latency_ms: 120,
  error_rate: 240,
}
/** Of traffic where the model knows no rhythm of the day: an evening is followed. */
const UNKNOWN_DAY_HALF_LIFE = 10

/** The same once a deviation has lasted so long that it is the new normal. */
const SETTLING_HALF_LIFE = 20
const SPREAD_HALF_LIFE = 240

/** Standard deviations of a minute that count at most: of traffic more, which falls by half on a holiday's morning. */
const CLIP = 1.5
const TRAFFIC_CLIP = 2.5
const SPREAD_CLIP = 3

/**
 * Requests at which a minute teaches fully: a percentile of fewer than it takes to have one beyond it is the largest of
 * them, and lower than it should be.
 */
const TELLING_REQUESTS: PerFeature<number> = {
  requests_per_second: 0,
  avg_latency_ms: 20,
  p95_latency_ms: 40,
  p99_latency_ms: 200,
  error_rate: 20,
}
/** A minute that teaches less than this of a percentile teaches nothing of it. */
const LEAST_TAUGHT = 0.25

/** The mean size of a standard normal variable. */
const NORMAL_SIZE = 0.798
const MOST_SPREAD = 3

const begin = (minutes: number, first: readonly number[] | null): OwnLevel => ({
  level: mapFeatures(() => 0),
  spread: mapFeatures(() => 1),
  minutes,
  isWhole: first === null,
  first,
})

/** Of the whole gateway the model has long since learned. */
export const WHOLE_GATEWAY = begin(240, null)
export const UNKNOWN_SHARE = begin(0, [])

/** How a minute teaches. */
export interface Lesson {
  /** Since the report before. */
  readonly minutes: number
  readonly requests: number
  /** It is taken for the new normal. */
  readonly isSettling: boolean
  /** The model knows a rhythm of the day. */
  readonly knowsDay: boolean
}

/** After a minute that taught what is usual; of deviations a few standard deviations count at most. */
export function followed(
  own: OwnLevel,
  deviation: Deviation,
  { minutes, requests, isSettling, knowsDay }: Lesson,
): OwnLevel {
  const gain = (halfLife: number) => Math.max(1 - 2 ** (-minutes / halfLife), 1 / (own.minutes + 2))
  const spreadGain = gain(SPREAD_HALF_LIFE)
  const level = { ...own.level }
  const spread = { ...own.spread }
  for (const feature of FEATURES) {
    const of = deviation[feature]
    const taught = taughtBy(feature, requests)
    if (taught === 0 || Number.isNaN(of.residual)) continue
    const { residual, sigmaUp, sigmaDown } = of
    const isTraffic = feature === 'requests_per_second'
    const isUnknown = isTraffic && own.first !== null
    if (isSettling) {
      const step = feature === 'error_rate' ? lessonOf(feature, of) : residual
      if (!isUnknown) level[feature] += taught * (1 - 2 ** (-minutes / SETTLING_HALF_LIFE)) * step
      continue
    }
    if (!isUnknown) {
      const halfLife = isTraffic && !knowsDay ? UNKNOWN_DAY_HALF_LIFE : HALF_LIFE[feature]
      level[feature] += taught * gain(halfLife) * lessonOf(feature, of)
    }
    const size = Math.min(SPREAD_CLIP, Math.abs(residual) / (residual > 0 ? sigmaUp : sigmaDown))
    const next = spread[feature] * (1 + taught * spreadGain * (size / NORMAL_SIZE - 1))
    spread[feature] = Math.min(MOST_SPREAD, Math.max(1, next))
  }
  return { level, spread, minutes: own.minutes + minutes, isWhole: own.isWhole, first: own.first }
}

/** How much so many requests teach, 0…1. */
function taughtBy(feature: Feature, requests: number): number {
  const telling = TELLING_REQUESTS[feature]
  const share = telling === 0 ? 1 : Math.min(1, requests / telling)
  const isPercentile = feature === 'p95_latency_ms' || feature === 'p99_latency_ms'
  return isPercentile && share < LEAST_TAUGHT ? 0 : share
}

/** While a stream's share is learned: the median of its first reports. */
export function acquainted(own: OwnLevel, deviation: Deviation): OwnLevel {
  if (own.first === null) return own
  const residual = deviation.requests_per_second.residual + own.level.requests_per_second
  if (Number.isNaN(residual)) return own
  const first = [...own.first, residual]
  const level = { ...own.level, requests_per_second: quantile(first, 0.5) }
  return { ...own, level, first: first.length < FIRST_REPORTS ? first : null }
}

/**
 * What a minute teaches of a level: so many standard deviations at most, but of errors always one. The residuals of small
 * counts lie below zero on average, as logarithm and root are bent, by a fifth for two requests a minute. So of counts
 * it is the step of Fisher's scoring (McCullagh and Nelder 1989, section 2.5), which is right on average.
 */
function lessonOf(
  feature: Feature,
  { residual, expected, sigmaUp, sigmaDown, count, requests }: FeatureDeviation,
): number {
  const clipped = (lesson: number, most: number, one = 0) =>
    Math.min(Math.max(one, most * sigmaUp), Math.max(-most * sigmaDown, lesson))
  if (feature === 'requests_per_second') return clipped((count - requests) / (requests + HALF), TRAFFIC_CLIP)
  if (feature !== 'error_rate') return clipped(residual, CLIP)
  const share = fromScale(feature, expected)
  const slope = 2 * Math.sqrt(Math.max(share, LEAST_ERROR_SHARE) * Math.max(1 - share, LEAST_ERROR_SHARE))
  return clipped((count / requests - share) / slope, CLIP, 1 / requests / slope)
}
