import type { Deviation, Level } from '../anomaly/deviation.js'
import { FEATURES, type PerFeature } from '../anomaly/features.js'
import { isWarmedUp, type SourceBaseline } from './source-baseline.js'

/** From this distance on, on the scale of each feature, baseline and model are two references. */
export const APART: PerFeature<number> = {
  requests_per_second: 0.1,
  avg_latency_ms: 0.1,
  p95_latency_ms: 0.1,
  p99_latency_ms: 0.1,
  error_rate: 0.02,
}

/**
 * The level by which a report is judged. When the baseline of a source has moved away from where it began, as in a sale
 * or a holiday, a way back is no incident: a value between the two is as expected, and one beyond them is measured from
 * the nearer.
 *
 * @param deviation from the baseline
 * @returns null when the baseline alone decides
 */
export function nearerLevel(deviation: Deviation, baseline: SourceBaseline): Level | null {
  if (!isWarmedUp(baseline)) return null
  const { level, startLevel } = baseline
  let nearer: Record<keyof Level, number> | null = null
  for (const feature of FEATURES) {
    const way = startLevel[feature] - level[feature]
    const { residual } = deviation[feature]
    if (Math.abs(way) < APART[feature] || !(residual * way > 0)) continue
    nearer ??= { ...level }
    nearer[feature] += Math.abs(residual) < Math.abs(way) ? residual : way
  }
  return nearer
}
