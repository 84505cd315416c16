import { KIND_OF, mapChannels, type Channel, type Channels, type Kind } from '../anomaly/strengths.js'

/** A cumulative sum of log-likelihood ratios. */
export interface Sum {
  /** What speaks for the change, since that last was nothing. */
  readonly sum: number
  /** Minutes since then. */
  readonly minutes: number
  /** What has spoken against it of late: that it is over. */
  readonly over: number
}

/** What has been gathered in one channel for a small change and for a large one. */
export interface Evidence {
  readonly small: Sum
  readonly large: Sum
}

export type Gathered = Readonly<Record<Channel, Evidence>>

const NOTHING: Sum = { sum: 0, minutes: 0, over: 0 }
const NONE: Evidence = { small: NOTHING, large: NOTHING }
export const NO_EVIDENCE: Gathered = mapChannels(() => NONE)

/** A change is e^13 times likelier than none. */
const ENOUGH = 13

/** Shorter runs are one odd minute. */
const MIN_MINUTES = 3

/** It is over when that is e times likelier than that it goes on. */
const OVER = 1

/**
 * Adds a minute: cumulative sums of log-likelihood ratios for each channel and change, never below zero (Page 1954,
 * "Continuous Inspection Schemes"). Were the likelihoods exact and not bounded, and the minutes independent, a sum would
 * come to h without a change once in e^h minutes or less often (Lorden 1971, "Procedures for Reacting to a Change in
 * Distribution").
 */
export function gather(evidence: Gathered, channels: Channels): Gathered {
  let isAny = false
  const next = mapChannels((channel) => {
    const small = added(evidence[channel].small, channels[channel].small)
    const large = added(evidence[channel].large, channels[channel].large)
    if (small === NOTHING && large === NOTHING) return NONE
    isAny = true
    return { small, large }
  })
  return isAny ? next : NO_EVIDENCE
}

function added({ sum, minutes, over }: Sum, ratio: number): Sum {
  const next = sum + ratio
  if (!(next > 0)) return NOTHING
  return { sum: Math.min(next, 2 * ENOUGH), minutes: minutes + 1, over: Math.max(0, over - ratio) }
}

/** The evidence without that of some kinds. */
export function withoutKinds(evidence: Gathered, kinds: readonly Kind[]): Gathered {
  return mapChannels((channel) => (kinds.includes(KIND_OF[channel]) ? NONE : evidence[channel]))
}

/** 1 where the evidence is enough. */
export function evidenceReach({ small, large }: Evidence): number {
  return Math.max(reach(small), reach(large))
}

function reach({ sum, minutes }: Sum): number {
  return minutes < MIN_MINUTES ? 0 : sum / ENOUGH
}

/** Whether a change that there is evidence of, half as much as is enough, has not ended: the large one, if there is. */
export function goesOn({ small, large }: Evidence): boolean {
  const { sum, over } = large.sum >= ENOUGH / 2 ? large : small
  return sum >= ENOUGH / 2 && over < OVER
}
