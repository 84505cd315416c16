import type { Deviation, FeatureDeviation } from '../anomaly/deviation.js'
import { mapFeatures, type Feature } from '../anomaly/features.js'
import type { Kind } from '../anomaly/kinds.js'
import { fromScale, HALF, MAX_COUNT } from '../anomaly/scales.js'
import { quantile } from '../statistics/quantile.js'
import { isInformative } from './informative-requests.js'
import {
  FIRST_REPORTS,
  IDLE_REPORTS,
  idles,
  knowsShare,
  type FirstReport,
  type SourceBaseline,
  type WarmUp,
} from './source-baseline.js'

const LATENCIES = ['avg_latency_ms', 'p95_latency_ms', 'p99_latency_ms'] as const

/** Of the first reports, those that must be informative about a percentile. */
export const MIN_INFORMATIVE = 8

/** Standard deviations that most of the first reports lie away from the model when the source has another level. */
export const APART = 0.75

/** A larger share of errors is an incident, even from the first report on. */
export const MAX_USUAL_ERRORS = 0.25

/** A baseline after a report, and the kinds of alarm that turned out to be its usual level. */
export interface LearnedBaseline {
  readonly baseline: SourceBaseline
  readonly absorbed: readonly Kind[]
}

const NOTHING_ABSORBED: readonly Kind[] = []

/** A baseline that absorbs no alarm. */
export const withoutAbsorbed = (baseline: SourceBaseline): LearnedBaseline => ({
  baseline,
  absorbed: NOTHING_ABSORBED,
})

/**
 * The baseline after the next report of the warm-up. Reports of a source that idles say nothing yet: it counts from the
 * first report with its traffic on, or after {@link IDLE_REPORTS} idle ones. Nor do reports in silent hours (see
 * `silentHours`). The share of the gateway's traffic is the median so far. After {@link FIRST_REPORTS} reports with
 * requests, latencies and errors move to their medians if most of the reports agree that they lie elsewhere. An incident
 * in some of the reports moves nothing.
 *
 * @param baseline not yet warmed up; a warmed-up one is returned as it is
 * @param requests of the report
 */
export function warmUp(baseline: SourceBaseline, deviation: Deviation, requests: number): LearnedBaseline {
  const before = baseline.warmUp
  const offset = offsetOf('requests_per_second', deviation, baseline)
  const isIdle = idles(offset, requests) && baseline.minutes < IDLE_REPORTS
  // In silent hours, the share of the traffic is not known. A warm-up that ended then would take it for the whole.
  const isSilent = Number.isNaN(offset) && !knowsShare(baseline)
  if (before === null || isIdle || isSilent) return withoutAbsorbed(baseline)
  const reports = mapFeatures((feature) =>
    withReport(before[feature], feature, baseline, deviation, requests),
  )
  const share = knowsShare(baseline)
    ? baseline.level.requests_per_second
    : shareOf(reports.requests_per_second, baseline, deviation)
  const level = { ...baseline.level, requests_per_second: share }
  if (reports.error_rate.length < FIRST_REPORTS)
    return withoutAbsorbed({ ...baseline, level, warmUp: reports })
  const modelErrors = deviation.error_rate.expected - baseline.level.error_rate
  const minutes = Math.max(baseline.minutes, FIRST_REPORTS)
  return endWarmUp({ ...baseline, level, minutes }, reports, modelErrors)
}

/** The distance of a report from the model, on the scale of the feature. */
function offsetOf(feature: Feature, deviation: Deviation, { level }: SourceBaseline): number {
  const { residual, count } = deviation[feature]
  if (feature !== 'requests_per_second') return residual + level[feature]
  const whole = wholeOf(deviation[feature], level[feature])
  return Number.isNaN(residual) ? NaN : Math.log((count + HALF) / (whole + HALF))
}

/** The requests that are expected of the whole gateway. */
function wholeOf({ requests }: FeatureDeviation, level: number): number {
  return Math.min(MAX_COUNT, requests * Math.exp(-level))
}

/** @param modelErrors the error rate that the model expects, on its scale */
function endWarmUp(baseline: SourceBaseline, reports: WarmUp, modelErrors: number): LearnedBaseline {
  const level = { ...baseline.level }
  const spread = { ...baseline.spread }
  const absorbed: Kind[] = []
  const sides = LATENCIES.map((feature) => sideOf(reports[feature], level[feature]))
  const isSlower = sides.some((side) => side > 0)
  if (isSlower || sides.some((side) => side < 0)) {
    level.avg_latency_ms = medianOffset(reports.avg_latency_ms, level.avg_latency_ms)
    for (const feature of LATENCIES) {
      // A percentile with too few informative reports moves as the average does.
      const isKnown = reports[feature].length >= MIN_INFORMATIVE
      level[feature] = isKnown ? medianOffset(reports[feature], 0) : level.avg_latency_ms
      spread[feature] = 1
    }
    if (isSlower) absorbed.push('latency_spike')
  }
  const errors = medianOffset(reports.error_rate, 0)
  const isUsual = fromScale('error_rate', modelErrors + errors) <= MAX_USUAL_ERRORS
  // Most reports of few requests have no error, so that a lower error rate is no evidence.
  if (isUsual && sideOf(reports.error_rate, level.error_rate) > 0) {
    level.error_rate = errors
    spread.error_rate = 1
    absorbed.push('error_rate_spike')
  }
  return { baseline: { ...baseline, level, startLevel: level, spread, warmUp: null }, absorbed }
}

function withReport(
  before: readonly FirstReport[],
  feature: Feature,
  baseline: SourceBaseline,
  deviation: Deviation,
  requests: number,
): readonly FirstReport[] {
  const { residual, sigmaUp, sigmaDown } = deviation[feature]
  if (Number.isNaN(residual) || !isInformative(feature, requests) || before.length === FIRST_REPORTS) {
    return before
  }
  const sigma = (residual > 0 ? sigmaUp : sigmaDown) / baseline.spread[feature]
  return [...before, { offset: offsetOf(feature, deviation, baseline), sigma }]
}

/** The smallest median count of the first reports: that of a source which mostly had none. */
const MIN_COUNT = 0.25

/** The logarithm of the share of the gateway's traffic: the median count of the first reports over the expected one. */
function shareOf(
  reports: readonly FirstReport[],
  { level }: SourceBaseline,
  { requests_per_second }: Deviation,
): number {
  if (reports.length === 0) return level.requests_per_second
  const offset = medianOffset(reports, 0)
  const whole = Math.max(MIN_COUNT, wholeOf(requests_per_second, level.requests_per_second))
  return Math.log(Math.max(MIN_COUNT, Math.exp(offset) * (whole + HALF) - HALF) / whole)
}

function medianOffset(reports: readonly FirstReport[], otherwise: number): number {
  if (reports.length === 0) return otherwise
  return quantile(
    reports.map(({ offset }) => offset),
    0.5,
  )
}

/** 1 where three quarters of the reports lie clearly above a level, and at least half as far as the median; −1 below. */
function sideOf(reports: readonly FirstReport[], level: number): number {
  if (reports.length < MIN_INFORMATIVE) return 0
  const z = reports.map(({ offset, sigma }) => (offset - level) / sigma)
  const median = quantile(z, 0.5)
  const quartile = quantile(z, median > 0 ? 0.25 : 0.75)
  const isApart = Math.abs(quartile) > Math.max(APART, Math.abs(median) / 2)
  return isApart && quartile * median > 0 ? Math.sign(median) : 0
}
