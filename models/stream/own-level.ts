import { mapFeatures, type PerFeature } from '../anomaly/features.js'
import type { Deviation, Level } from '../anomaly/deviation.js'
import { quantile } from '../statistics/quantile.js'

/** A stream's own level against the model, which knows the whole gateway. */
export interface OwnLevel {
  /** On the scale of each feature. */
  readonly level: Level
  /** First traffic residuals, until there are enough of them; null when its share of the traffic is known. */
  readonly first: readonly number[] | null
}

/** Reports from which a stream's share of the traffic is learned. */
const FIRST_REPORTS = 10

/** Minutes in which half of a lasting difference is taken over. */
const HALF_LIFE: PerFeature<number> = {
  requests_per_second: 60,
  avg_latency_ms: 120,
  p95_latency_ms: 120,
  p99_latency_ms: 120,
  error_rate: 240,
}
/** The same once a deviation has lasted so long that it is the new normal. */
const SETTLING_HALF_LIFE = 20

/** Standard deviations of a minute that count at most. */
const CLIP = 1.5

export const WHOLE_GATEWAY: OwnLevel = { level: mapFeatures(() => 0), first: null }
export const UNKNOWN_SHARE: OwnLevel = { level: mapFeatures(() => 0), first: [] }

/** The level after a minute that taught what is usual; of deviations at most 1.5 standard deviations count. */
export function followed(
  own: OwnLevel,
  deviation: Deviation,
  minutes: number,
  isSettling: boolean,
): OwnLevel {
  const level = mapFeatures((feature) => {
    const { residual, sigmaUp, sigmaDown } = deviation[feature]
    if (Number.isNaN(residual)) return own.level[feature]
    if (feature === 'requests_per_second' && own.first !== null) return own.level[feature]
    const halfLife = isSettling ? SETTLING_HALF_LIFE : HALF_LIFE[feature]
    const clipped = isSettling ? residual : Math.min(CLIP * sigmaUp, Math.max(-CLIP * sigmaDown, residual))
    return own.level[feature] + (1 - 2 ** (-minutes / halfLife)) * clipped
  })
  return { level, first: own.first }
}

/** The level while a stream's share is learned: the median of its first reports. */
export function acquainted(own: OwnLevel, deviation: Deviation): OwnLevel {
  if (own.first === null) return own
  const residual = deviation.requests_per_second.residual + own.level.requests_per_second
  const first = [...own.first, residual]
  const level = { ...own.level, requests_per_second: quantile(first, 0.5) }
  return { level, first: first.length < FIRST_REPORTS ? first : null }
}
