import { mapChannels, type Channel, type Channels, type Strength } from '../anomaly/strengths.js'

/** A cumulative sum since it last was zero. */
export interface Sum {
  readonly sum: number
  readonly minutes: number
  /** The mean effect of the latest of them, in smallest effects that matter. */
  readonly effect: number
}

/** What has been gathered in one channel. */
export interface Evidence {
  /** Of deviations that are clear in most minutes, however small. */
  readonly clear: Sum
  /** Of large ones that few requests blur. */
  readonly blurred: Sum
}

export type Gathered = Readonly<Record<Channel, Evidence>>

const ZERO: Sum = { sum: 0, minutes: 0, effect: 0 }
export const NO_EVIDENCE: Gathered = mapChannels(() => ({ clear: ZERO, blurred: ZERO }))

/**
 * Each sum takes an allowance off every minute's standard deviations and is evidence from `enough` on, when the mean
 * effect is `effect` times the smallest that matters. Little traffic moves by large factors in small standard
 * deviations: the second sum finds those in twice the time, and only those.
 */
const CLEAR = { allowance: 1, enough: 12, effect: 1 }
const BLURRED = { allowance: 0.5, enough: 9, effect: 2 }

/** What one minute can add or take at most. */
const MOST_A_MINUTE = { z: 6, effect: 4 }
const LEAST_A_MINUTE = -3

/** How much the newest minute counts in the mean effect: hours of a mild drift before it do not hide it. */
const NEWEST = 0.05

/** Shorter runs are one odd minute. */
const LEAST_MINUTES = 3

/**
 * Adds a minute: cumulative sums for each channel (Page 1954, "Continuous Inspection Schemes"), never below zero. For
 * independent normal minutes a false alarm takes of the order of exp(2 · allowance · enough) minutes (Siegmund 1985,
 * "Sequential Analysis", chapter II): 10¹⁰ for clear ones, 10⁴ for blurred ones, which the effects that are asked for
 * make much rarer.
 */
export function gather(evidence: Gathered, channels: Channels): Gathered {
  return mapChannels((channel) => ({
    clear: added(evidence[channel].clear, channels[channel], CLEAR),
    blurred: added(evidence[channel].blurred, channels[channel], BLURRED),
  }))
}

function added({ sum, minutes, effect: mean }: Sum, { z, effect }: Strength, scheme: typeof CLEAR): Sum {
  const next = sum + Math.max(LEAST_A_MINUTE, Math.min(MOST_A_MINUTE.z, z) - scheme.allowance)
  if (next <= 0) return ZERO
  const bounded = Math.min(MOST_A_MINUTE.effect, effect)
  const gain = Math.max(1 / (minutes + 1), NEWEST)
  return {
    sum: Math.min(next, 2 * scheme.enough),
    minutes: minutes + 1,
    effect: mean + gain * (bounded - mean),
  }
}

/** 1 where the evidence is enough, and what it is evidence of large enough to matter on average. */
export function evidenceReach({ clear, blurred }: Evidence): number {
  return Math.max(reach(clear, CLEAR), reach(blurred, BLURRED))
}

function reach({ sum, minutes, effect }: Sum, scheme: typeof CLEAR): number {
  return minutes < LEAST_MINUTES ? 0 : Math.min(sum / scheme.enough, effect / scheme.effect)
}
