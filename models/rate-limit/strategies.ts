const FIXED = { conservative: 0.7, balanced: 1, permissive: 1.3 } as const

export const STRATEGY_NAMES = ['conservative', 'balanced', 'permissive', 'adaptive'] as const

export type Strategy = (typeof STRATEGY_NAMES)[number]

/** What the adaptive strategy looks at; fields of an endpoint's profile. */
export interface Conduct {
  readonly time_of_day_variance: number
  /** Share, 0…1. */
  readonly error_rate: number
  readonly avg_latency_ms: number
}

/**
 * What a strategy makes of a limit. Adaptive lowers it for an endpoint whose traffic swings over the day, fails
 * often or is slow from 100 ms on; to a fifth of it at the least. Gateways rely on these numbers.
 *
 * @param conduct of the endpoint; only adaptive looks at it
 * @returns a factor above 0
 */
export function strategyMultiplier(strategy: Strategy, conduct: Conduct): number {
  if (strategy !== 'adaptive') return FIXED[strategy]
  const swing = Math.max(0.5, 1 - 0.3 * conduct.time_of_day_variance)
  const failures = Math.max(0.5, 1 - 2 * conduct.error_rate)
  return swing * failures * (conduct.avg_latency_ms < 100 ? 1 : 0.8)
}
