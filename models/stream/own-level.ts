import {
  MIN_ERROR_SHARE,
  NO_LEVEL,
  NO_SPREAD,
  type Deviation,
  type FeatureDeviation,
  type Level,
} from '../anomaly/deviation.js'
import { FEATURES, mapFeatures, type Feature, type PerFeature } from '../anomaly/features.js'
import { fromScale, HALF } from '../anomaly/scales.js'

/** A stream's own level and spread against the model, which knows the whole gateway. */
export interface OwnLevel {
  /** On the scale of each feature. */
  readonly level: Level
  /** The level when it had been met; what has moved since then is drift. */
  readonly base: Level
  /** Times the model's standard deviation, 1 to 3. */
  readonly spread: PerFeature<number>
  /** Minutes that were learned from. */
  readonly minutes: number
  /** It carries all that the model knows. */
  readonly isWhole: boolean
  /** Its first reports, of each feature those that tell of it; null when it has been met. */
  readonly first: PerFeature<readonly FirstReport[]> | null
}

/** How far a report lay from the model, and its standard deviation, on the scale of the feature. */
export interface FirstReport {
  readonly offset: number
  readonly sigma: number
}

/** Reports after which a stream has been met, from its first request on. */
export const FIRST_REPORTS = 10

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
const INFORMATIVE_REQUESTS: PerFeature<number> = {
  requests_per_second: 0,
  avg_latency_ms: 20,
  p95_latency_ms: 40,
  p99_latency_ms: 200,
  error_rate: 20,
}
/** A minute that teaches less than this of a percentile teaches nothing of it. */
const MIN_WEIGHT = 0.25

/** How far two models of a gateway differ at most: a factor of two, and from 1 to 9 % of errors. */
const SAME_GATEWAY: PerFeature<number> = {
  requests_per_second: Math.LN2,
  avg_latency_ms: Math.LN2,
  p95_latency_ms: Math.LN2,
  p99_latency_ms: Math.LN2,
  error_rate: 0.2,
}

/** The mean size of a standard normal variable. */
const NORMAL_SIZE = 0.798
const MAX_SPREAD = 3

const begin = (minutes: number, first: OwnLevel['first']): OwnLevel => ({
  level: NO_LEVEL,
  base: NO_LEVEL,
  spread: NO_SPREAD,
  minutes,
  isWhole: first === null,
  first,
})

/** Of the whole gateway the model has long since learned. */
export const WHOLE_GATEWAY = begin(240, null)
export const UNMET = begin(
  0,
  mapFeatures(() => []),
)

/**
 * The level against another model, so that what was usual stays so; null where that model expects something else
 * altogether, as of another gateway.
 *
 * @param usual of the stream at some moment, on the scale of each feature
 * @param expected of that moment, by the other model
 */
export function rebased(own: OwnLevel, usual: Level, expected: Level): OwnLevel | null {
  const step = mapFeatures((feature) => usual[feature] - own.level[feature] - expected[feature])
  if (FEATURES.some((feature) => !(Math.abs(step[feature]) <= SAME_GATEWAY[feature]))) return null
  const { first } = own
  const moved = (feature: Feature) => (report: FirstReport) => ({
    ...report,
    offset: report.offset + step[feature],
  })
  return {
    ...own,
    level: mapFeatures((feature) => own.level[feature] + step[feature]),
    first: first && mapFeatures((feature) => first[feature].map(moved(feature))),
  }
}

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
    if (isSettling) {
      const step = feature === 'error_rate' ? lessonOf(feature, of, level[feature]) : residual
      level[feature] += taught * (1 - 2 ** (-minutes / SETTLING_HALF_LIFE)) * step
      continue
    }
    if (!isTraffic || knowsShare(own)) {
      const halfLife = isTraffic && !knowsDay ? UNKNOWN_DAY_HALF_LIFE : HALF_LIFE[feature]
      level[feature] += taught * gain(halfLife) * lessonOf(feature, of, level[feature])
    }
    const size = Math.min(SPREAD_CLIP, Math.abs(residual) / (residual > 0 ? sigmaUp : sigmaDown))
    const next = spread[feature] * (1 + taught * spreadGain * (size / NORMAL_SIZE - 1))
    spread[feature] = Math.min(MAX_SPREAD, Math.max(1, next))
  }
  return {
    level,
    base: own.base,
    spread,
    minutes: own.minutes + minutes,
    isWhole: own.isWhole,
    first: own.first,
  }
}

/** How much so many requests teach, 0…1. */
export function taughtBy(feature: Feature, requests: number): number {
  const telling = INFORMATIVE_REQUESTS[feature]
  const share = telling === 0 ? 1 : Math.min(1, requests / telling)
  return isPercentile(feature) && share < MIN_WEIGHT ? 0 : share
}

export function isPercentile(feature: Feature): boolean {
  return feature === 'p95_latency_ms' || feature === 'p99_latency_ms'
}

/** Whether it is known how much of the traffic the stream carries. */
export function knowsShare({ first }: OwnLevel): boolean {
  return first === null || first.requests_per_second.length >= FIRST_REPORTS
}

/**
 * What a minute teaches of a level: so many standard deviations at most, but of errors always one, and the whole way
 * where latencies and errors come back towards the model. The residuals of small counts lie below zero on average, as
 * logarithm and root are bent, by a fifth for two requests a minute. So of counts it is the step of Fisher's scoring
 * (McCullagh and Nelder 1989, section 2.5), which is right on average.
 */
function lessonOf(
  feature: Feature,
  { residual, expected, sigmaUp, sigmaDown, count, requests }: FeatureDeviation,
  level: number,
): number {
  if (feature === 'requests_per_second') {
    const lesson = (count - requests) / (requests + HALF)
    return Math.min(TRAFFIC_CLIP * sigmaUp, Math.max(-TRAFFIC_CLIP * sigmaDown, lesson))
  }
  const least = level > 0 ? Math.min(-level, -CLIP * sigmaDown) : -CLIP * sigmaDown
  if (feature !== 'error_rate') return Math.min(CLIP * sigmaUp, Math.max(least, residual))
  const share = fromScale(feature, expected)
  const slope = 2 * Math.sqrt(Math.max(share, MIN_ERROR_SHARE) * Math.max(1 - share, MIN_ERROR_SHARE))
  const one = 1 / requests / slope
  return Math.min(Math.max(one, CLIP * sigmaUp), Math.max(least, (count / requests - share) / slope))
}
