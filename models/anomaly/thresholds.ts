import { mapChannels, mapKinds, type Channel, type PerKind } from './kinds.js'

/**
 * How much more than the constants of this folder a gateway needs for an alarm, as factors of 1 or more. They follow
 * from its own history: a gateway that bursts needs more than its usual bursts, a calm one needs no more.
 */
export interface Thresholds {
  /** On the effect that the gates of each kind need. */
  readonly gates: PerKind<number>
  /** On those of the joint gate. */
  readonly joint: number
  /** On the evidence that a small and a large change need. */
  readonly evidence: Readonly<Record<Channel, EvidenceThreshold>>
}

export interface EvidenceThreshold {
  readonly small: number
  readonly large: number
}

/** Those of a calm gateway, and of models that older releases fitted. */
export const NEUTRAL: Thresholds = {
  gates: mapKinds(() => 1),
  joint: 1,
  evidence: mapChannels(() => ({ small: 1, large: 1 })),
}
