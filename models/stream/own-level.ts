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
  /** How far its first reports lay from the model, until there are enough of them; null when it has been met. */
  readonly first: PerFeature<readonly number[]> | null
}

const LATENCIES: readonly Feature[] = ['avg_latency_ms', 'p95_latency_ms', 'p99_latency_ms']
const ERRORS: readonly Feature[] = ['error_rate']

/** Reports after which a stream has been met. */
const FIRST_REPORTS = 10

/** Of a latency and of errors as many must tell. */
const LEAST_TELLING = 5

/** Standard deviations that most of the first reports lie apart from what was expected: it is another level. */
const APART = 0.75

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
const MOST_SPREAD = 3

const begin = (minutes: number, first: OwnLevel['first']): OwnLevel => ({
  level: mapFeatures(() => 0),
  spread: mapFeatures(() => 1),
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
 * @param from what the one model expects of a moment, without the level, on the scale of each feature
 * @param to what the other expects of it
 */
export function rebased(own: OwnLevel, from: Level, to: Level): OwnLevel | null {
  if (FEATURES.some((feature) => !(Math.abs(to[feature] - from[feature]) <= SAME_GATEWAY[feature])))
    return null
  return { ...own, level: mapFeatures((feature) => own.level[feature] + from[feature] - to[feature]) }
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
      const step = feature === 'error_rate' ? lessonOf(feature, of) : residual
      level[feature] += taught * (1 - 2 ** (-minutes / SETTLING_HALF_LIFE)) * step
      continue
    }
    // Of its traffic a stream that is being met learns by itself, see `met`.
    if (!isTraffic || own.first === null) {
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

/**
 * A stream that is being met, after its next report: its share of the traffic is the median so far. With the last of
 * its first reports the latencies or the errors move to their medians, if three quarters of the reports lie apart from
 * what was expected: it has always been like that. An incident in some of them moves nothing.
 */
export function met(own: OwnLevel, deviation: Deviation, requests: number): OwnLevel {
  const before = own.first
  const traffic = deviation.requests_per_second.residual + own.level.requests_per_second
  if (before === null || Number.isNaN(traffic)) return own
  const first = mapFeatures((feature) => {
    const { residual } = deviation[feature]
    const tells = !Number.isNaN(residual) && taughtBy(feature, requests) > 0
    return tells ? [...before[feature], residual + own.level[feature]] : before[feature]
  })
  const level = { ...own.level, requests_per_second: quantile(first.requests_per_second, 0.5) }
  if (first.requests_per_second.length < FIRST_REPORTS) return { ...own, level, first }
  const spread = { ...own.spread }
  for (const features of [LATENCIES, ERRORS]) {
    const isUnlike = features.some((feature) =>
      isApart(feature, first[feature], own.level[feature], deviation[feature], requests),
    )
    if (!isUnlike) continue
    for (const feature of features) {
      // A percentile that few have told of lies as far off as the average, which comes first.
      const told = first[feature].length >= LEAST_TELLING ? first[feature] : [level[features[0]!]]
      level[feature] = quantile(told, 0.5)
      spread[feature] = 1
    }
  }
  return { ...own, level, spread, minutes: Math.max(own.minutes, FIRST_REPORTS), first: null }
}

/** Whether a stream has just been met, and latencies or errors moved: what spoke against them until then was its level. */
export function turnedOutUnlike(before: OwnLevel, after: OwnLevel): boolean {
  if (before.first === null || after.first !== null) return false
  return FEATURES.some(
    (feature) => feature !== 'requests_per_second' && before.level[feature] !== after.level[feature],
  )
}

/** Whether three quarters of the first reports lie on one side; of few requests most lie below what is usual. */
function isApart(
  feature: Feature,
  first: readonly number[],
  level: number,
  { sigmaUp, sigmaDown }: FeatureDeviation,
  requests: number,
): boolean {
  if (first.length < LEAST_TELLING) return false
  if (quantile(first, 0.25) - level > APART * sigmaUp) return true
  const areMany = feature !== 'error_rate' && taughtBy(feature, requests) === 1
  return areMany && quantile(first, 0.75) - level < -APART * sigmaDown
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
