import { CHANNELS, mapChannels, type Channel, type Channels, type Strength } from '../anomaly/strengths.js'

/** What has been gathered in one channel since its sum last was zero. */
export interface Evidence {
  readonly sum: number
  readonly minutes: number
  /** Sum of the effects, in smallest effects that matter. */
  readonly effects: number
}

export type Gathered = Readonly<Record<Channel, Evidence>>

const NONE: Evidence = { sum: 0, minutes: 0, effects: 0 }
export const NO_EVIDENCE: Gathered = mapChannels(() => NONE)

/** Standard deviations that are taken off each minute: chance alone gathers nothing. */
const ALLOWANCE = 1.25

/** What one minute can add or take at most. */
const MOST_A_MINUTE = { z: 6, effect: 4 }
const LEAST_A_MINUTE = -3

/** With so much a deviation is certain that lasts. */
export const ENOUGH = 14

/** From here on something may be under way: what was usual is not learned from it. */
export const SUSPICIOUS = 5

/** Shorter runs are one odd minute. */
const LEAST_MINUTES = 3

/**
 * Adds a minute: a cumulative sum for each channel (Page 1954, "Continuous Inspection Schemes"), of its standard
 * deviations less an allowance, never below zero. For independent normal minutes a false alarm takes
 * exp(2 · 1.25 · 14) minutes on average (Siegmund 1985, section 2.4), a lasting deviation of three is found in eight.
 */
export function gather(evidence: Gathered, channels: Channels): Gathered {
  return mapChannels((channel) => added(evidence[channel], channels[channel]))
}

function added({ sum, minutes, effects }: Evidence, { z, effect }: Strength): Evidence {
  const next = sum + Math.max(LEAST_A_MINUTE, Math.min(MOST_A_MINUTE.z, z) - ALLOWANCE)
  if (next <= 0) return NONE
  const bounded = Math.min(MOST_A_MINUTE.effect, effect)
  return { sum: Math.min(next, 2 * ENOUGH), minutes: minutes + 1, effects: effects + bounded }
}

/** 1 where the evidence is enough, and what it is evidence of large enough to matter on average. */
export function evidenceReach({ sum, minutes, effects }: Evidence): number {
  if (minutes < LEAST_MINUTES) return 0
  return Math.min(sum / ENOUGH, effects / minutes)
}

export function isSuspicious(evidence: Gathered): boolean {
  return CHANNELS.some((channel) => evidence[channel].sum >= SUSPICIOUS)
}
