import { LEAST_ERROR_SHARE, type Deviation, type FeatureDeviation, type Level } from '../anomaly/deviation.js'
import { mapFeatures, type Feature, type PerFeature } from '../anomaly/features.js'
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
/** A minute that teaches less than this teaches nothing. */
const LEAST_TAUGHT = 0.3

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
  const taught = mapFeatures((feature) => {
    const share = TELLING_REQUESTS[feature] === 0 ? 1 : Math.min(1, requests / TELLING_REQUESTS[feature])
    return share < LEAST_TAUGHT ? 0 : share
  })
  const gain = (halfLife: number) => Math.max(1 - 2 ** (-minutes / halfLife), 1 / (own.minutes + 2))
  const halfLifeOf = (feature: Feature) =>
    feature === 'requests_per_second' && !knowsDay ? UNKNOWN_DAY_HALF_LIFE : HALF_LIFE[feature]
  const level = mapFeatures((feature) => {
    const { residual, sigmaUp, sigmaDown } = deviation[feature]
    const isUnknown = Number.isNaN(residual) || (feature === 'requests_per_second' && own.first !== null)
    if (isUnknown) return own.level[feature]
    if (isSettling)
      return own.level[feature] + taught[feature] * (1 - 2 ** (-minutes / SETTLING_HALF_LIFE)) * residual
    const most = feature === 'requests_per_second' ? TRAFFIC_CLIP : CLIP
    const { lesson, one } = lessonOf(feature, deviation[feature])
    const clipped = Math.min(Math.max(one, most * sigmaUp), Math.max(-most * sigmaDown, lesson))
    return own.level[feature] + taught[feature] * gain(halfLifeOf(feature)) * clipped
  })
  const spread = mapFeatures((feature) => {
    const { residual, sigmaUp, sigmaDown } = deviation[feature]
    if (Number.isNaN(residual) || isSettling) return own.spread[feature]
    const size = Math.min(SPREAD_CLIP, Math.abs(residual) / (residual > 0 ? sigmaUp : sigmaDown))
    const next =
      own.spread[feature] * (1 + taught[feature] * gain(SPREAD_HALF_LIFE) * (size / NORMAL_SIZE - 1))
    return Math.min(MOST_SPREAD, Math.max(1, next))
  })
  return { ...own, level, spread, minutes: own.minutes + minutes }
}

/** While a stream's share is learned: the median of its first reports. */
export function acquainted(own: OwnLevel, deviation: Deviation): OwnLevel {
  if (own.first === null) return own
  const residual = deviation.requests_per_second.residual + own.level.requests_per_second
  const first = [...own.first, residual]
  const level = { ...own.level, requests_per_second: quantile(first, 0.5) }
  return { ...own, level, first: first.length < FIRST_REPORTS ? first : null }
}

/**
 * What a minute teaches of a level, and of an error rate what one error does, which is not cut off. The residuals of
 * small counts lie below zero on average, as logarithm and root are bent, by a fifth for two requests a minute. So of
 * counts it is the step of Fisher's scoring (McCullagh and Nelder 1989, section 2.5), which is right on average.
 */
function lessonOf(
  feature: Feature,
  { residual, expected, count, requests }: FeatureDeviation,
): { lesson: number; one: number } {
  if (feature === 'requests_per_second') {
    return { lesson: (count - requests) / (requests + HALF), one: 0 }
  }
  if (feature !== 'error_rate') return { lesson: residual, one: 0 }
  const share = fromScale(feature, expected)
  const slope = 2 * Math.sqrt(Math.max(share, LEAST_ERROR_SHARE) * (1 - share))
  return { lesson: (count / requests - share) / slope, one: 1 / requests / slope }
}
