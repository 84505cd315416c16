import type { LocalMinute } from '../seasonality/local-time.js'
import { edgesAt } from '../seasonality/edges.js'
import { NO_LEVEL, type Deviation, type Level } from './deviation.js'
import { FEATURES, type Feature, type Interval, type PerFeature } from './features.js'
import type { AnomalyModel } from './model.js'
import { fromScale, toScale } from './scales.js'

/** From this distance on, on the scale of each feature, the present level of a source and its earlier one are two. */
export const APART: PerFeature<number> = {
  requests_per_second: 0.1,
  avg_latency_ms: 0.1,
  p95_latency_ms: 0.1,
  p99_latency_ms: 0.1,
  error_rate: 0.02,
}

type ModelOfEdges = Pick<AnomalyModel, 'expectations' | 'intervalSeconds' | 'silentHours'>

/**
 * What is added to the expected values of a report, when more than one value may be expected:
 * - The level of a source has moved away from an earlier one, as in a sale or a holiday. The way back is no incident.
 * - The hour is silent in the history, see `silentHours`.
 * - A job, a weekly window or a step of the rhythm begins or ends about now. It may do so a little earlier or later.
 *
 * A value between the lowest and the highest that may be expected does not deviate; one beyond them deviates from the
 * nearer.
 *
 * @param deviation from the present level
 * @param reference the earlier level
 * @returns on the scale of each feature; null when the present level is the nearest
 */
export function nearestShift(
  deviation: Deviation,
  { seconds }: Pick<Interval, 'seconds'>,
  { minuteOfWeek }: LocalMinute,
  { expectations, intervalSeconds, silentHours }: ModelOfEdges,
  level: Level,
  reference: Level,
): Level | null {
  let nearest: Record<Feature, number> | null = null
  for (const feature of FEATURES) {
    const { residual, expected } = deviation[feature]
    if (Number.isNaN(residual)) continue
    const distance = reference[feature] - level[feature]
    const way = Math.abs(distance) < APART[feature] ? 0 : distance
    const edges = edgesAt(expectations[feature].usual.season, minuteOfWeek, intervalSeconds / 60)
    const lowest = moved(feature, expected + edges.low, Math.min(0, way), seconds)
    const isSilent = feature === 'requests_per_second' && silentHours?.[Math.floor(minuteOfWeek / 60)] === 1
    const low = (isSilent ? Math.min(lowest, toScale(feature, 0, seconds)) : lowest) - expected
    const high = moved(feature, expected + edges.high, Math.max(0, way), seconds) - expected
    const step = Math.min(Math.max(0, high), Math.max(Math.min(0, low), residual))
    if (step === 0) continue
    nearest ??= { ...NO_LEVEL }
    nearest[feature] = step
  }
  return nearest
}

/** An expected value at another level. That of traffic is the logarithm of a share, see `Level`. */
function moved(feature: Feature, expected: number, way: number, seconds: number): number {
  if (way === 0) return expected
  if (feature !== 'requests_per_second') return expected + way
  return toScale(feature, fromScale(feature, expected, seconds) * Math.exp(way), seconds)
}
