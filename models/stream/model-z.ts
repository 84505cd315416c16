import type { Deviation } from '../anomaly/deviation.js'
import { mapFeatures, type PerFeature } from '../anomaly/features.js'
import { isWarmedUp, type SourceBaseline } from './source-baseline.js'

/**
 * A report's residuals relative to the model, in the model's standard deviations. They show drift: how far traffic has
 * moved from what the model learned.
 *
 * @param deviation of the report from the baseline
 * @returns NaN where the value is not known, before the source is warmed up, and for the traffic of a source that
 *   carries only a share of it
 */
export function modelZ(deviation: Deviation, baseline: SourceBaseline): PerFeature<number> {
  const { level, startLevel, spread, isGateway } = baseline
  const isKnown = isWarmedUp(baseline)
  return mapFeatures((feature) => {
    if (!isKnown || (feature === 'requests_per_second' && !isGateway)) return NaN
    const { residual, sigmaUp, sigmaDown } = deviation[feature]
    const moved = residual + level[feature] - startLevel[feature]
    return (moved * spread[feature]) / (moved > 0 ? sigmaUp : sigmaDown)
  })
}
