import { mapChannels, type Channel, type Channels } from '../anomaly/strengths.js'

/** A cumulative sum of log-likelihood ratios. */
export interface Sum {
  /** For the change, since it last was zero. */
  readonly sum: number
  /** Minutes since then. */
  readonly minutes: number
  /** Against the change, since it last was zero: what says that it is over. */
  readonly over: number
}

/** What has been gathered in one channel, for a small change and for a large one. */
export interface Evidence {
  readonly small: Sum
  readonly large: Sum
}

export type Gathered = Readonly<Record<Channel, Evidence>>

const ZERO: Sum = { sum: 0, minutes: 0, over: 0 }
export const NO_EVIDENCE: Gathered = mapChannels(() => ({ small: ZERO, large: ZERO }))

export const ENOUGH = +(process.env.ENOUGH ?? 12)
const MOST = ENOUGH / +(process.env.CLIPN ?? 3)
const LEAST = +(process.env.LEAST ?? -2)
export const OVER = +(process.env.OVER ?? 1)
const LEAST_MINUTES = 3

export function gather(evidence: Gathered, channels: Channels): Gathered {
  return mapChannels((channel) => ({
    small: added(evidence[channel].small, channels[channel].small),
    large: added(evidence[channel].large, channels[channel].large),
  }))
}

function added({ sum, minutes, over }: Sum, ratio: number): Sum {
  const bounded = ratio === 0 ? -(process.env.UNTOLD ?? 0.5) : Math.max(LEAST, Math.min(MOST, ratio))
  const next = sum + bounded
  if (next <= 0) return ZERO
  return {
    sum: Math.min(next, 2 * ENOUGH),
    minutes: minutes + 1,
    over: Math.max(0, over - bounded),
  }
}

/** 1 where the evidence is enough. */
export function evidenceReach({ small, large }: Evidence): number {
  return Math.max(reach(small), reach(large))
}

function reach({ sum, minutes }: Sum): number {
  return minutes < LEAST_MINUTES ? 0 : sum / ENOUGH
}

/** Whether the change that there is evidence of still goes on. */
export function goesOn({ small, large }: Evidence): boolean {
  const { sum, over } = large.sum >= small.sum ? large : small
  return sum > 0 && over < OVER
}
