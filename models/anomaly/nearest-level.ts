import type { LocalMinute } from '../seasonality/local-time.js'
import { edgesAt } from '../seasonality/season.js'
import type { Deviation, Expectations, Level } from './deviation.js'
import { FEATURES, type Feature, type PerFeature } from './features.js'

/** From this distance on, on the scale of each feature, the present level of a source and its earlier one are two. */
export const APART: PerFeature<number> = {
  requests_per_second: 0.1,
  avg_latency_ms: 0.1,
  p95_latency_ms: 0.1,
  p99_latency_ms: 0.1,
  error_rate: 0.02,
}

/**
 * The level that a report is judged by, when more than one value may be expected:
 * - The level of a source has moved away from an earlier one, as in a sale or a holiday. The way back is no incident.
 * - A job or a weekly window begins or ends about now. It may do so a little earlier or later.
 *
 * A value between the lowest and the highest that may be expected does not deviate; one beyond them deviates from the
 * nearer.
 *
 * @param deviation from the present level
 * @param reference the earlier level
 * @returns null when the present level is the nearest
 */
export function nearestLevel(
  deviation: Deviation,
  { minuteOfWeek }: LocalMinute,
  expectations: Expectations,
  level: Level,
  reference: Level,
): Level | null {
  let nearest: Record<Feature, number> | null = null
  for (const feature of FEATURES) {
    const { residual } = deviation[feature]
    if (Number.isNaN(residual)) continue
    const distance = reference[feature] - level[feature]
    const way = Math.abs(distance) < APART[feature] ? 0 : distance
    const edges = edgesAt(expectations[feature].usual.season, minuteOfWeek)
    const low = Math.min(0, way) + edges.low
    const high = Math.max(0, way) + edges.high
    if (low === 0 && high === 0) continue
    const step = Math.min(high, Math.max(low, residual))
    if (step === 0) continue
    nearest ??= { ...level }
    nearest[feature] += step
  }
  return nearest
}
