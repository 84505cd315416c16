/** What a tier gets of an endpoint's base limit, and what it gets where there is no traffic to learn from. */
interface TierRule {
  /** Times the base. */
  readonly multiplier: number
  /** Requests a minute without traffic data. */
  readonly untrainedLimit: number
  /** Burst without traffic data, in multiples of that limit. */
  readonly untrainedBurst: number
}

/** The tiers by name. Gateways rely on these numbers. */
export const TIERS = {
  default: { multiplier: 1, untrainedLimit: 300, untrainedBurst: 1.5 },
  free: { multiplier: 0.5, untrainedLimit: 60, untrainedBurst: 1.2 },
  basic: { multiplier: 0.75, untrainedLimit: 100, untrainedBurst: 1.5 },
  standard: { multiplier: 1.5, untrainedLimit: 300, untrainedBurst: 1.5 },
  premium: { multiplier: 2.5, untrainedLimit: 1000, untrainedBurst: 2 },
  enterprise: { multiplier: 5, untrainedLimit: 5000, untrainedBurst: 2.5 },
} as const satisfies Record<string, TierRule>

export type Tier = keyof typeof TIERS
