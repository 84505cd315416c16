import { shiftRatio } from './chance.js'
import { MIN_ERROR_SHARE, type Deviation } from './deviation.js'
import type { LeastEffects } from './effects.js'
import { GATE, reachOf, type Gate, type Strength } from './gates.js'
import type { Channel, PerKind } from './kinds.js'
import { countRatio, shareRatio } from './likelihood.js'
import { ADDED_MS, fromScale, HALF } from './scales.js'

export type Strengths = PerKind<Strength>

/** A channel's strength, and the log-likelihood ratios of a small and of a large change (see `addEvidence`). */
export interface ChannelStrength extends Strength {
  readonly small: number
  readonly large: number
}

export type Channels = Readonly<Record<Channel, ChannelStrength>>

/** Sizes of the two changes, in multiples of the smallest deviation that matters. */
export const CHANGES = { small: 2, large: 7 }

/** Bounds of the log-likelihood ratio of one report. A single odd report decides nothing, nor does a single good one. */
export const RATIO = { min: -2, max: 4.4 }

/** The ratio of a report without information. The change may be over by now. */
export const UNINFORMATIVE = -0.5

/** Bounds of shares of errors, since a share of 1 has no finite likelihood: the usual share, and the changed one. */
const MAX_USUAL_SHARE = 0.99
export const MAX_SHARE = 0.999

/**
 * Shares of the requests that support a latency: those beyond a percentile, and half of those of an average. A
 * percentile that less than one request supports is little more than the slowest request.
 */
export const SUPPORT = { avg_latency_ms: 0.5, p95_latency_ms: 0.05, p99_latency_ms: 0.01 }

/** From this support on, a latency is evidence in proportion to it. From 1 on, it can be an anomaly alone. */
export const MIN_SUPPORT = 0.5

/** The same for a percentile whose tail is known: what few requests prove about it is known, too. */
export const MIN_TAIL_SUPPORT = 0.2

/** The deviations from both ends of what may be expected, see `expectedRange`. */
interface Ends {
  readonly lowest: Deviation
  readonly highest: Deviation
}

/**
 * The strength of each channel. The evidence for a change is measured from the end that it goes beyond: a value between
 * both ends speaks against a drop and against a rise.
 *
 * @param deviation from the nearest value that may be expected
 * @param factor multiplies the smallest deviations of traffic and latency; see `effectFactor`
 * @returns z and effect are 0, and the ratios are UNINFORMATIVE, where the value is not known
 */
export function channelsOf(
  deviation: Deviation,
  least: LeastEffects,
  factor: number,
  { lowest, highest }: Ends = { lowest: deviation, highest: deviation },
): Channels {
  return {
    traffic_spike: trafficStrength(deviation, highest, least, factor, 1),
    traffic_drop: trafficStrength(deviation, lowest, least, factor, -1),
    avg_latency_ms: latencyStrength(deviation, highest, 'avg_latency_ms', least, factor),
    p95_latency_ms: latencyStrength(deviation, highest, 'p95_latency_ms', least, factor),
    p99_latency_ms: latencyStrength(deviation, highest, 'p99_latency_ms', least, factor),
    error_rate_spike: errorStrength(deviation, highest, least),
  }
}

/**
 * The strength of each kind. The three latencies say much the same, so the one that reaches furthest stands for them:
 * a slow tail alone is enough.
 *
 * @param gate of the interval, see `gatesOf`
 */
export function strengthsOf(channels: Channels, gate: Gate = GATE): Strengths {
  const { traffic_spike, traffic_drop, error_rate_spike } = channels
  const percentile = further(channels.p95_latency_ms, channels.p99_latency_ms, gate)
  const latency_spike = further(channels.avg_latency_ms, percentile, gate)
  return { traffic_spike, traffic_drop, latency_spike, error_rate_spike }
}

function further(a: Strength, b: Strength, gate: Gate): Strength {
  return reachOf(a, gate) >= reachOf(b, gate) ? a : b
}

function trafficStrength(
  deviation: Deviation,
  end: Deviation,
  least: LeastEffects,
  factor: number,
  sign: 1 | -1,
): ChannelStrength {
  const { z, effect } = deviation.requests_per_second
  const { residual, longRun, longRunDown, count, requests } = end.requests_per_second
  const step = sign * Math.log1p(least.traffic) * factor
  const dispersion = Math.max(1, (sign > 0 ? longRun : longRunDown) ** 2 * (requests + HALF))
  const isKnown = !Number.isNaN(residual)
  return {
    z: sign * z,
    effect: effect / step,
    small: isKnown ? bounded(countRatio(count, requests, CHANGES.small * step, dispersion)) : UNINFORMATIVE,
    large: isKnown ? bounded(countRatio(count, requests, CHANGES.large * step, dispersion)) : UNINFORMATIVE,
  }
}

function errorStrength(deviation: Deviation, end: Deviation, least: LeastEffects): ChannelStrength {
  const { z, effect } = deviation.error_rate
  const { residual, expected, longRun, count, requests } = end.error_rate
  const expectedShare = fromScale('error_rate', expected)
  const usual = Math.min(MAX_USUAL_SHARE, Math.max(expectedShare, MIN_ERROR_SHARE))
  const dispersion = Math.max(1, longRun ** 2 * 4 * requests)
  const ratio = (size: number) => {
    const share = Math.min(MAX_SHARE, usual + size * least.errors)
    return bounded(shareRatio(count, requests, usual, share, dispersion))
  }
  const isKnown = !Number.isNaN(residual)
  return {
    z,
    effect: effect / least.errors,
    small: isKnown ? ratio(CHANGES.small) : UNINFORMATIVE,
    large: isKnown ? ratio(CHANGES.large) : UNINFORMATIVE,
  }
}

function latencyStrength(
  deviation: Deviation,
  end: Deviation,
  feature: keyof typeof SUPPORT,
  { latency, latencyMs }: LeastEffects,
  factor: number,
): ChannelStrength {
  const { z, effect } = deviation[feature]
  const { residual, expected, chance, perRow } = end[feature]
  const support = Math.min(1, perRow * SUPPORT[feature])
  const value = fromScale(feature, expected) + ADDED_MS
  const step = Math.log1p(latency) * factor
  const ratio = (size: number) => {
    const shift = Math.max(size * step, Math.log1p((size * latencyMs) / value))
    return Math.min(RATIO.max * support, shiftRatio(residual, shift, chance!, RATIO.min))
  }
  const isTail = chance!.index > 0
  const isKnown = !Number.isNaN(residual) && support >= (isTail ? MIN_TAIL_SUPPORT : MIN_SUPPORT)
  return {
    z: support < 1 ? Math.min(0, z) : z,
    effect: Math.min(effect / step, (value * Math.expm1(effect)) / latencyMs),
    small: isKnown ? ratio(CHANGES.small) : UNINFORMATIVE,
    large: isKnown ? ratio(CHANGES.large) : UNINFORMATIVE,
  }
}

function bounded(ratio: number): number {
  return Math.max(RATIO.min, Math.min(RATIO.max, ratio))
}
