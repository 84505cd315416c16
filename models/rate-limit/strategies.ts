const FIXED = { conservative: 0.7, balanced: 1, permissive: 1.3 } as const

export type Strategy = keyof typeof FIXED | 'adaptive'

/** What the adaptive strategy depends on: fields of an endpoint's profile. */
export interface TrafficTraits {
  /** See timeOfDayVariance; not negative. */
  readonly timeOfDayVariance: number
  /** Share, 0…1. */
  readonly errorRate: number
  readonly avgLatencyMs: number
}

/**
 * The factor by which a strategy multiplies a limit. The strategy adaptive lowers the limit of an endpoint whose
 * traffic swings over the day, fails often, or takes 100 ms or more on average; to a fifth of it at most. Gateways
 * rely on these numbers.
 *
 * @param traits of the endpoint; only adaptive depends on them
 * @returns a factor, 0.2…1.3
 */
export function strategyMultiplier(strategy: Strategy, traits: TrafficTraits): number {
  if (strategy !== 'adaptive') return FIXED[strategy]
  const swing = Math.max(0.5, 1 - 0.3 * traits.timeOfDayVariance)
  const failures = Math.max(0.5, 1 - 2 * traits.errorRate)
  return swing * failures * (traits.avgLatencyMs < 100 ? 1 : 0.8)
}
