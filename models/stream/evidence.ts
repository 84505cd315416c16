import {
  byKind,
  KIND_OF,
  mapChannels,
  mapKinds,
  type Channel,
  type Kind,
  type PerKind,
} from '../anomaly/kinds.js'
import type { Channels } from '../anomaly/strengths.js'
import { NEUTRAL, type EvidenceThreshold, type Thresholds } from '../anomaly/thresholds.js'

/** A cumulative sum of log-likelihood ratios (CUSUM). Plain JSON, as all evidence is. */
interface CumulativeSum {
  /** Evidence for the change since the sum was last 0; 0 to twice what is enough. */
  readonly sum: number
  /** Reports since then. */
  readonly minutes: number
  /** Recent evidence that the change is over, 0 or more. */
  readonly over: number
}

/** The evidence of one channel for a small change and for a large one. */
interface ChannelEvidence {
  readonly small: CumulativeSum
  readonly large: CumulativeSum
}

export type Evidence = Readonly<Record<Channel, ChannelEvidence>>

const ZERO: CumulativeSum = { sum: 0, minutes: 0, over: 0 }
const NONE: ChannelEvidence = { small: ZERO, large: ZERO }
export const NO_EVIDENCE: Evidence = mapChannels(() => NONE)
const ONE: EvidenceThreshold = { small: 1, large: 1 }
const NOTHING_ACCUMULATED = mapKinds(() => 0)

/**
 * A sum from which on a change counts as proven: it is e^11.7 times as likely as no change. A sum is cleared when as much
 * speaks for the end of the change. The thresholds of a gateway multiply the first, not the second.
 */
export const ENOUGH = 11.7

/** Reports that a proof needs. A shorter run is one odd minute. */
export const MIN_REPORTS = 3

/** A change is over when its end is e times as likely as its going on. */
export const OVER = 1

/**
 * The evidence after a report: a cumulative sum of log-likelihood ratios for each channel and change, never below zero
 * (Page 1954, "Continuous Inspection Schemes"). With exact, unbounded likelihoods and independent reports, a sum would
 * come to h without a change at most once in e^h reports (Lorden 1971, "Procedures for Reacting to a Change in
 * Distribution"). A NaN ratio empties its sum.
 */
export function addEvidence(
  evidence: Evidence,
  channels: Channels,
  thresholds: Thresholds['evidence'] = NEUTRAL.evidence,
): Evidence {
  let isAny = false
  const next = mapChannels((channel) => {
    const small = added(evidence[channel].small, channels[channel].small, thresholds[channel].small)
    const large = added(evidence[channel].large, channels[channel].large, thresholds[channel].large)
    if (small === ZERO && large === ZERO) return NONE
    isAny = true
    return { small, large }
  })
  return isAny ? next : NO_EVIDENCE
}

function added({ sum, minutes, over }: CumulativeSum, ratio: number, factor: number): CumulativeSum {
  const next = sum + ratio
  const isOver = over - ratio
  if (!(next > 0) || isOver >= ENOUGH) return ZERO
  return { sum: Math.min(next, 2 * ENOUGH * factor), minutes: minutes + 1, over: Math.max(0, isOver) }
}

/** The evidence without the channels of some kinds. */
export function withoutKinds(evidence: Evidence, kinds: readonly Kind[]): Evidence {
  return mapChannels((channel) => (kinds.includes(KIND_OF[channel]) ? NONE : evidence[channel]))
}

/** How far the evidence of each kind reaches: 1 is a proof, 2 the most. */
export function accumulatedEvidence(evidence: Evidence, thresholds: Thresholds['evidence']): PerKind<number> {
  if (evidence === NO_EVIDENCE) return NOTHING_ACCUMULATED
  return byKind(mapChannels((channel) => evidenceReach(evidence[channel], thresholds[channel])))
}

/** How far the evidence of a channel reaches: 1 is a proof, 2 the most. */
export function evidenceReach({ small, large }: ChannelEvidence, factors = ONE): number {
  return Math.max(reach(small) / factors.small, reach(large) / factors.large)
}

function reach({ sum, minutes }: CumulativeSum): number {
  return minutes < MIN_REPORTS ? 0 : sum / ENOUGH
}

/**
 * Whether a change for which there is half a proof goes on. If there is as much evidence for the large change, that is
 * asked, since its end shows sooner.
 */
export function persists({ small, large }: ChannelEvidence, factors = ONE): boolean {
  const half = ENOUGH / 2
  if (large.sum >= half * factors.large) return large.over < OVER
  return small.sum >= half * factors.small && small.over < OVER
}
