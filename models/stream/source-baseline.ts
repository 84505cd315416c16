import { NO_LEVEL, NO_SPREAD, type Level } from '../anomaly/deviation.js'
import { FEATURES, mapFeatures, type Feature, type PerFeature } from '../anomaly/features.js'

/** What is usual for one source, relative to the model, which describes the whole gateway. Immutable, plain JSON. */
export interface SourceBaseline {
  /** Difference from the model's expected value, on the scale of each feature. */
  readonly level: Level
  /** The level at the end of the warm-up. Movement since then counts as drift. */
  readonly startLevel: Level
  /** Factor on the model's standard deviation, 1 to 3. */
  readonly spread: PerFeature<number>
  /** Minutes that it was learned from. */
  readonly minutes: number
  /** The source carries the traffic of the whole gateway. */
  readonly isGateway: boolean
  /** The first reports; null once the source is warmed up. */
  readonly warmUp: WarmUp | null
}

/** The first reports of a source, for each feature those that are informative. */
export type WarmUp = PerFeature<readonly FirstReport[]>

/** The distance of a report from the model, and its standard deviation, on the scale of the feature. */
export interface FirstReport {
  readonly offset: number
  readonly sigma: number
}

/** Informative reports of the warm-up, from the first request on. */
export const FIRST_REPORTS = 10

/**
 * The largest difference between two models of the same gateway, on the scale of each feature: a factor of two, and from
 * 1 to 9 % of errors.
 */
const MAX_MODEL_STEP: PerFeature<number> = {
  requests_per_second: Math.LN2,
  avg_latency_ms: Math.LN2,
  p95_latency_ms: Math.LN2,
  p99_latency_ms: Math.LN2,
  error_rate: 0.2,
}

const begin = (minutes: number, warmUp: WarmUp | null): SourceBaseline => ({
  level: NO_LEVEL,
  startLevel: NO_LEVEL,
  spread: NO_SPREAD,
  minutes,
  isGateway: warmUp === null,
  warmUp,
})

/** The baseline of the whole gateway at its first report. The model has learned it, so it counts as 240 minutes old. */
export const GATEWAY_BASELINE = begin(240, null)

/** The baseline of any other source at its first report. */
export const NEW_BASELINE = begin(
  0,
  mapFeatures(() => []),
)

/** A source with less than this share of the gateway's traffic, and fewer requests in a report, idles. */
export const IDLE = { share: 0.05, requests: 10 }

/** Reports after which a source that idles has been met: that is how it is. */
export const IDLE_REPORTS = 60

/**
 * Whether traffic is that of a source that idles, such as a replica that is probed, but not used yet.
 * @param offset from the model, on the scale of traffic
 */
export function idles(offset: number, requests: number): boolean {
  return requests < IDLE.requests && offset < Math.log(IDLE.share)
}

/** Whether the levels of latencies and errors are known. */
export function isWarmedUp({ warmUp }: SourceBaseline): boolean {
  return warmUp === null
}

/** Whether the share of the gateway's traffic that the source carries is known. */
export function knowsShare({ warmUp }: SourceBaseline): boolean {
  return warmUp === null || warmUp.requests_per_second.length >= FIRST_REPORTS
}

/**
 * The level that a source may return to: of the whole gateway that of the model, of another source that after the warm-up,
 * but not above the model, since it may have begun in an incident. The share of the traffic that another source carries is
 * a rough estimate after the warm-up, and no reference.
 */
export function earlierLevel({ level, startLevel, isGateway }: SourceBaseline): Level {
  if (isGateway) return startLevel
  return mapFeatures((feature) =>
    feature === 'requests_per_second' ? level[feature] : Math.min(startLevel[feature], 0),
  )
}

/**
 * The baseline relative to another model, so that what was usual for the source stays usual.
 *
 * @param usual what was usual for the source at some moment, on the scale of each feature
 * @param expected what the other model expects at that moment, on the same scales
 * @returns null when the models differ too much to describe the same gateway, or a value is NaN
 */
export function rebase(baseline: SourceBaseline, usual: Level, expected: Level): SourceBaseline | null {
  const step = mapFeatures((feature) => usual[feature] - baseline.level[feature] - expected[feature])
  if (FEATURES.some((feature) => !(Math.abs(step[feature]) <= MAX_MODEL_STEP[feature]))) return null
  const { warmUp } = baseline
  const moved = (feature: Feature) => (report: FirstReport) => ({
    ...report,
    offset: report.offset + step[feature],
  })
  return {
    ...baseline,
    level: mapFeatures((feature) => baseline.level[feature] + step[feature]),
    warmUp: warmUp && mapFeatures((feature) => warmUp[feature].map(moved(feature))),
  }
}
