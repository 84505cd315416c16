import { MIN_ERROR_SHARE, type Deviation } from './deviation.js'
import type { LeastEffects } from './effects.js'
import { countRatio, shareRatio, shiftRatio } from './likelihood.js'
import { fromScale, HALF, ADDED_MS } from './scales.js'

/** The ways in which traffic can be bad. */
export const KINDS = ['traffic_spike', 'traffic_drop', 'latency_spike', 'error_rate_spike'] as const
export type Kind = (typeof KINDS)[number]
export type PerKind<T> = Readonly<Record<Kind, T>>

/** How bad one of them is. */
export interface Strength {
  /** Standard deviations in the bad direction; negative in the good one. */
  readonly z: number
  /** Times the smallest deviation that matters; negative in the good direction. */
  readonly effect: number
}

export type Strengths = PerKind<Strength>

/** What evidence is kept for. Each latency has its own: the strongest of three would always seem to deviate a little. */
export type Channel = Exclude<Kind, 'latency_spike'> | 'avg_latency_ms' | 'p95_latency_ms' | 'p99_latency_ms'

export const KIND_OF: Readonly<Record<Channel, Kind>> = {
  traffic_spike: 'traffic_spike',
  traffic_drop: 'traffic_drop',
  avg_latency_ms: 'latency_spike',
  p95_latency_ms: 'latency_spike',
  p99_latency_ms: 'latency_spike',
  error_rate_spike: 'error_rate_spike',
}

/** A deviation with the logarithm of how much likelier a small change makes it, and a large one, see `gather`. */
export interface ChannelStrength extends Strength {
  readonly small: number
  readonly large: number
}
export type Channels = Readonly<Record<Channel, ChannelStrength>>

/** The changes that evidence is gathered for, in smallest deviations that matter. */
const CHANGES = { small: 2, large: 7 }

/** What a minute can say at most for a change and against it: one odd minute, or one good one, decides nothing. */
const RATIO = { min: -2, max: 4.4 }
/** What a minute says that tells nothing: what was may be over by now. */
const UNINFORMATIVE = -0.5

/** Applies a function to each channel. Spelled out, as it is on the path of every verdict. */
export function mapChannels<T>(value: (channel: Channel) => T): Readonly<Record<Channel, T>> {
  return {
    traffic_spike: value('traffic_spike'),
    traffic_drop: value('traffic_drop'),
    avg_latency_ms: value('avg_latency_ms'),
    p95_latency_ms: value('p95_latency_ms'),
    p99_latency_ms: value('p99_latency_ms'),
    error_rate_spike: value('error_rate_spike'),
  }
}

/** The strongest of each kind's channels. */
export function byKind(values: Readonly<Record<Channel, number>>): PerKind<number> {
  const { traffic_spike, traffic_drop, error_rate_spike } = values
  const latency_spike = Math.max(values.avg_latency_ms, values.p95_latency_ms, values.p99_latency_ms)
  return { traffic_spike, traffic_drop, latency_spike, error_rate_spike }
}

/** The largest of the kinds' values. */
export function strongest(values: PerKind<number>): number {
  const { traffic_spike, traffic_drop, latency_spike, error_rate_spike } = values
  return Math.max(traffic_spike, traffic_drop, latency_spike, error_rate_spike)
}

/** Applies a function to each kind. Spelled out, as it is on the path of every verdict. */
export function mapKinds<T>(value: (kind: Kind) => T): PerKind<T> {
  return {
    traffic_spike: value('traffic_spike'),
    traffic_drop: value('traffic_drop'),
    latency_spike: value('latency_spike'),
    error_rate_spike: value('error_rate_spike'),
  }
}

/**
 * Deviations by channel.
 *
 * @param factor on the smallest deviations of traffic and latency; where no rhythm is known an ordinary evening would
 *   matter otherwise
 */
export function channelsOf(deviation: Deviation, least: LeastEffects, factor: number): Channels {
  return {
    traffic_spike: trafficStrength(deviation, least, factor, 1),
    traffic_drop: trafficStrength(deviation, least, factor, -1),
    avg_latency_ms: latencyStrength(deviation, 'avg_latency_ms', least, factor),
    p95_latency_ms: latencyStrength(deviation, 'p95_latency_ms', least, factor),
    p99_latency_ms: latencyStrength(deviation, 'p99_latency_ms', least, factor),
    error_rate_spike: errorStrength(deviation, least),
  }
}

function trafficStrength(
  { requests_per_second }: Deviation,
  least: LeastEffects,
  factor: number,
  sign: 1 | -1,
): ChannelStrength {
  const { z, effect, residual, longRun, count, requests } = requests_per_second
  const step = sign * Math.log1p(least.traffic) * factor
  const dispersion = Math.max(1, longRun ** 2 * (requests + HALF))
  const isKnown = !Number.isNaN(residual)
  return {
    z: sign * z,
    effect: effect / step,
    small: isKnown ? bounded(countRatio(count, requests, CHANGES.small * step, dispersion)) : UNINFORMATIVE,
    large: isKnown ? bounded(countRatio(count, requests, CHANGES.large * step, dispersion)) : UNINFORMATIVE,
  }
}

/** Shares of errors that are no certainty: what is taken for usual at most, and for a change. */
const MAX_USUAL_SHARE = 0.99
const MAX_SHARE = 0.999

function errorStrength({ error_rate }: Deviation, least: LeastEffects): ChannelStrength {
  const { z, effect, residual, expected, longRun, count, requests } = error_rate
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

function bounded(ratio: number, max = RATIO.max): number {
  return Math.max(RATIO.min, Math.min(max, ratio))
}

/**
 * Deviations by kind. The three latencies say much the same, so the one that is furthest beyond what matters stands
 * for them: the slow tail alone is enough.
 */
export function strengthsOf(channels: Channels): Strengths {
  const { traffic_spike, traffic_drop, error_rate_spike } = channels
  const percentile = further(channels.p95_latency_ms, channels.p99_latency_ms)
  const latency_spike = further(channels.avg_latency_ms, percentile)
  return { traffic_spike, traffic_drop, latency_spike, error_rate_spike }
}

function further(a: Strength, b: Strength): Strength {
  return reachOf(a) >= reachOf(b) ? a : b
}

/**
 * Shares of the requests that a latency stands on: of a percentile those beyond it, and of an average every
 * second one. On less than one a percentile is little more than the slowest request.
 */
const STANDS_ON = { avg_latency_ms: 0.5, p95_latency_ms: 0.05, p99_latency_ms: 0.01 }
/** From here on it is evidence that counts by its part, from 1 on it proves something by itself. */
const MIN_STANDING = 0.5

function latencyStrength(
  deviation: Deviation,
  feature: keyof typeof STANDS_ON,
  { latency, latencyMs }: LeastEffects,
  factor: number,
): ChannelStrength {
  const { z, effect, residual, expected, longRun, requests } = deviation[feature]
  const standing = Math.min(1, requests * STANDS_ON[feature])
  const value = fromScale(feature, expected) + ADDED_MS
  const step = Math.log1p(latency) * factor
  const ratio = (size: number) => {
    const shift = Math.max(size * step, Math.log1p((size * latencyMs) / value))
    return bounded(shiftRatio(residual, shift, longRun), RATIO.max * standing)
  }
  const isKnown = !Number.isNaN(residual) && standing >= MIN_STANDING
  return {
    z: standing < 1 ? Math.min(0, z) : z,
    effect: Math.min(effect / step, (value * Math.expm1(effect)) / latencyMs),
    small: isKnown ? ratio(CHANGES.small) : UNINFORMATIVE,
    large: isKnown ? ratio(CHANGES.large) : UNINFORMATIVE,
  }
}

/** Standard deviations and smallest effects that matter by themselves, once each. */
export const GATE = { z: 4.5, effect: 2 }
/** The same where two kinds have them at once. */
export const JOINT_GATE = { z: 3.3, effect: 1.4 }
/** From here on a single minute is certain. */
export const CERTAIN_GATE = { z: 8, effect: 3 }

/** 1 where a strength just matters by itself: the weaker of its certainty and of its size. */
export function reachOf({ z, effect }: Strength, gate = GATE): number {
  return Math.min(z / gate.z, effect / gate.effect)
}

/** Columns of the matrix that the forest is fitted on and asked about. */
export const FOREST_COLUMNS = 4

/**
 * Writes what the forest sees of an interval: traffic (signed), latency, errors, and the strongest of them,
 * each as ±ln(1 + |z|). A forest picks its split features at random, so that what is far off in one
 * of five columns often goes unasked; in two of four it is found soon.
 *
 * @param matrix `[nRows, FOREST_COLUMNS]`, row-major
 */
export function writeForestRow(
  strengths: PerKind<{ readonly z: number }>,
  matrix: Float64Array,
  row: number,
): void {
  const traffic = strengths.traffic_spike.z
  const latency = Math.max(0, strengths.latency_spike.z)
  const errors = Math.max(0, strengths.error_rate_spike.z)
  const start = row * FOREST_COLUMNS
  matrix[start] = Math.sign(traffic) * Math.log1p(Math.abs(traffic))
  matrix[start + 1] = Math.log1p(latency)
  matrix[start + 2] = Math.log1p(errors)
  matrix[start + 3] = Math.log1p(Math.max(Math.abs(traffic), latency, errors))
}
