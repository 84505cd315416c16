import type { Deviation } from '../anomaly/deviation.js'
import { mapFeatures, type Feature } from '../anomaly/features.js'
import { fromScale } from '../anomaly/scales.js'
import type { Kind } from '../anomaly/strengths.js'
import { quantile } from '../statistics/quantile.js'
import {
  FIRST_REPORTS,
  isPercentile,
  knowsShare,
  taughtBy,
  type FirstReport,
  type OwnLevel,
} from './own-level.js'

const LATENCIES = ['avg_latency_ms', 'p95_latency_ms', 'p99_latency_ms'] as const

/** A percentile, which few requests tell nothing of, has to be told of by so many of them. */
const LEAST_TELLING = 8

/** Standard deviations that most of the first reports lie apart from what was expected: it is another level. */
const APART = 0.75

/** A source of which more fails from the beginning is in trouble, whatever it has always been like. */
const MOST_USUAL_ERRORS = 0.25

/** What the next report of a stream that is being met has shown. */
export interface Meeting {
  readonly own: OwnLevel
  /** What spoke for an alarm until now, and was its level. */
  readonly explained: readonly Kind[]
}

const NOTHING_EXPLAINED: readonly Kind[] = []
export const unmoved = (own: OwnLevel): Meeting => ({ own, explained: NOTHING_EXPLAINED })

/**
 * A stream that is being met, after its next report: its share of the traffic is the median so far. When ten reports have
 * told, latencies and errors move to their medians if most of the reports agree that they lie elsewhere: it has always
 * been like that. An incident in some of them moves nothing. A stream begins with its first request.
 */
export function met(own: OwnLevel, deviation: Deviation, requests: number): Meeting {
  const before = own.first
  if (before === null || (requests === 0 && before.requests_per_second.length === 0)) return unmoved(own)
  const first = mapFeatures((feature) => withReport(before[feature], feature, own, deviation, requests))
  const share = knowsShare(own)
    ? own.level.requests_per_second
    : medianOffset(first.requests_per_second, own.level.requests_per_second)
  const level = { ...own.level, requests_per_second: share }
  if (first.error_rate.length < FIRST_REPORTS) return unmoved({ ...own, level, first })
  const modelErrors = deviation.error_rate.expected - own.level.error_rate
  return settled({ ...own, level, minutes: Math.max(own.minutes, FIRST_REPORTS) }, first, modelErrors)
}

/** @param modelErrors the errors that the model expects, on their scale */
function settled(own: OwnLevel, first: NonNullable<OwnLevel['first']>, modelErrors: number): Meeting {
  const level = { ...own.level }
  const spread = { ...own.spread }
  const explained: Kind[] = []
  const sides = LATENCIES.map((feature) => sideOf(first[feature], level[feature]))
  const isSlower = sides.some((side) => side > 0)
  if (isSlower || sides.some((side) => side < 0)) {
    level.avg_latency_ms = medianOffset(first.avg_latency_ms, level.avg_latency_ms)
    for (const feature of LATENCIES) {
      // A percentile that few have told of lies as far off as the average.
      const isTold = first[feature].length >= LEAST_TELLING
      level[feature] = isTold ? medianOffset(first[feature], 0) : level.avg_latency_ms
      spread[feature] = 1
    }
    if (isSlower) explained.push('latency_spike')
  }
  const errors = medianOffset(first.error_rate, 0)
  const isUsual = fromScale('error_rate', modelErrors + errors) <= MOST_USUAL_ERRORS
  // Most reports of few requests have no error: that they lie below says nothing.
  if (isUsual && sideOf(first.error_rate, level.error_rate) > 0) {
    level.error_rate = errors
    spread.error_rate = 1
    explained.push('error_rate_spike')
  }
  return { own: { ...own, level, base: level, spread, first: null }, explained }
}

function withReport(
  before: readonly FirstReport[],
  feature: Feature,
  own: OwnLevel,
  deviation: Deviation,
  requests: number,
): readonly FirstReport[] {
  const { residual, sigmaUp, sigmaDown } = deviation[feature]
  // A percentile of few requests is lower than it should be.
  const least = isPercentile(feature) ? 1 : Number.MIN_VALUE
  const tells = !Number.isNaN(residual) && taughtBy(feature, requests) >= least
  if (!tells || before.length === FIRST_REPORTS) return before
  const sigma = (residual > 0 ? sigmaUp : sigmaDown) / own.spread[feature]
  return [...before, { offset: residual + own.level[feature], sigma }]
}

function medianOffset(first: readonly FirstReport[], otherwise: number): number {
  if (first.length === 0) return otherwise
  return quantile(
    first.map(({ offset }) => offset),
    0.5,
  )
}

/** 1 where three quarters of the reports lie clearly above a level, and half as far as the median; −1 below. */
function sideOf(first: readonly FirstReport[], level: number): number {
  if (first.length < LEAST_TELLING) return 0
  const z = first.map(({ offset, sigma }) => (offset - level) / sigma)
  const median = quantile(z, 0.5)
  const most = quantile(z, median > 0 ? 0.25 : 0.75)
  return Math.abs(most) > Math.max(APART, Math.abs(median) / 2) && most * median > 0 ? Math.sign(median) : 0
}
