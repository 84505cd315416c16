import { strategyMultiplier, type Strategy, type TrafficTraits } from './strategies.js'
import type { Tier } from './tiers.js'

/**
 * The base limit as a tier and a strategy have it: trunc(trunc(base × tier) × strategy), at least 1. Products are
 * those of doubles, as existing users know them (90 × 0.7 is 62).
 *
 * @param base requests, of a minute or of any other window
 */
export function scaleLimit(base: number, tier: Tier, strategy: Strategy, traits: TrafficTraits): number {
  const ofTier = Math.trunc(base * tier.multiplier)
  return Math.max(1, Math.trunc(ofTier * strategyMultiplier(strategy, traits)))
}
