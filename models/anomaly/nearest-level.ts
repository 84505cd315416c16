import type { LocalMinute } from '../seasonality/local-time.js'
import { edgesAt } from '../seasonality/edges.js'
import { NO_LEVEL, type Deviation, type Level } from './deviation.js'
import type { LeastEffects } from './effects.js'
import { FEATURES, mapFeatures, type Feature, type Interval } from './features.js'
import type { AnomalyModel } from './model.js'
import { fromScale, toScale } from './scales.js'
import { isSilentAt } from './silent-hours.js'

/**
 * Two levels of a source are near each other within this share of the smallest deviation that matters. It is less than
 * half of the small change that evidence looks for, so that the way between them is no evidence.
 */
export const NEAR = 0.75

/** What may be expected of a report, relative to the present level of its source, on the scale of each feature. */
export interface ExpectedRange {
  /** 0 or less. */
  readonly low: Level
  /** 0 or more. */
  readonly high: Level
}

type ModelOfEdges = Pick<AnomalyModel, 'expectations' | 'intervalSeconds' | 'silentHours'>

/**
 * The range of values that may be expected of a report:
 * - The level of a source has moved away from an earlier one, as in a sale or a holiday. The way back is no incident. An
 *   earlier level that is near does not count, see {@link NEAR}; from twice as far on, it counts fully.
 * - The hour is silent in the history, see `silentHours`.
 * - A job, a weekly window or a step of the rhythm begins or ends about now. It may do so a little earlier or later.
 *
 * @param deviation from the present level
 * @param reference the earlier level
 * @returns null when it is the present level alone
 */
export function expectedRange(
  deviation: Deviation,
  { seconds }: Pick<Interval, 'seconds'>,
  { minuteOfWeek }: LocalMinute,
  { expectations, intervalSeconds, silentHours }: ModelOfEdges,
  effects: LeastEffects,
  level: Level,
  reference: Level,
): ExpectedRange | null {
  let range: { low: Record<Feature, number>; high: Record<Feature, number> } | null = null
  for (const feature of FEATURES) {
    const { residual, expected } = deviation[feature]
    if (Number.isNaN(residual)) continue
    const distance = reference[feature] - level[feature]
    const way = distance === 0 ? 0 : wayBack(feature, expected, distance, effects)
    const edges = edgesAt(expectations[feature].usual.season, minuteOfWeek, intervalSeconds / 60)
    const lowest = moved(feature, expected + edges.low, Math.min(0, way), seconds)
    const isSilent = feature === 'requests_per_second' && isSilentAt(silentHours, minuteOfWeek)
    const low = (isSilent ? Math.min(lowest, toScale(feature, 0, seconds)) : lowest) - expected
    const high = moved(feature, expected + edges.high, Math.max(0, way), seconds) - expected
    // Fewer errors and faster responses are never anomalies, so that how low they may be does not matter.
    const isLow = feature === 'requests_per_second' && low < 0
    if (!isLow && high <= 0) continue
    range ??= { low: { ...NO_LEVEL }, high: { ...NO_LEVEL } }
    if (isLow) range.low[feature] = low
    range.high[feature] = Math.max(0, high)
  }
  return range
}

/** The way from the present level towards the earlier one, on the scale of the feature. */
function wayBack(
  feature: Feature,
  expected: number,
  distance: number,
  { traffic, latency, errors }: LeastEffects,
): number {
  if (feature === 'requests_per_second') return ramp(distance, NEAR * Math.log1p(traffic))
  if (feature !== 'error_rate') return ramp(distance, NEAR * Math.log1p(latency))
  const share = fromScale(feature, expected)
  const way = ramp(fromScale(feature, expected + distance) - share, NEAR * errors)
  return toScale(feature, share + way) - expected
}

/** Nothing of a distance that is near, all of one from twice as far on, and ever more between. */
function ramp(distance: number, near: number): number {
  const size = Math.abs(distance)
  return Math.sign(distance) * Math.max(0, Math.min(size, 2 * (size - near)))
}

/**
 * The deviation from the nearest value of a range; none within it. There the noise is that of the value itself: the noise
 * of an end without requests would make its band absurd.
 *
 * @param fromLevel the deviation from the present level
 * @param lowest from the lower end of the range
 * @param highest from the upper end
 * @param fromShifted the deviation from the present level with something added to it
 */
export function nearestDeviation(
  fromLevel: Deviation,
  lowest: Deviation,
  highest: Deviation,
  fromShifted: (shift: Level) => Deviation,
): Deviation {
  const isWithin = (feature: Feature) => lowest[feature].residual > 0 && !(highest[feature].residual > 0)
  const within = FEATURES.some(isWithin)
    ? fromShifted(mapFeatures((feature) => (isWithin(feature) ? fromLevel[feature].residual : 0)))
    : fromLevel
  return mapFeatures((feature) => {
    if (isWithin(feature)) return { ...within[feature], z: 0, effect: 0, residual: 0 }
    return highest[feature].residual > 0 ? highest[feature] : lowest[feature]
  })
}

/** An expected value at another level. That of traffic is the logarithm of a share, see `Level`. */
function moved(feature: Feature, expected: number, way: number, seconds: number): number {
  if (way === 0) return expected
  if (feature !== 'requests_per_second') return expected + way
  return toScale(feature, fromScale(feature, expected, seconds) * Math.exp(way), seconds)
}
