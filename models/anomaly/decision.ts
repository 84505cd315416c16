import type { LeastEffects } from './effects.js'
import { reachOf, type Gate } from './gates.js'
import { harmOf, lastingHarm } from './harm.js'
import { mapKinds, strongest, type PerKind } from './kinds.js'
import type { MeasuredInterval } from './measure.js'
import type { Strengths } from './strengths.js'
import { NEUTRAL, type Thresholds } from './thresholds.js'

/** Whether an interval is anomalous, and how far beyond the gate. */
export interface Decision {
  readonly anomaly: boolean
  /** −s(x, n) − threshold: negative when the forest calls the interval anomalous. */
  readonly score: number
  /** 1 is at the gate. At least 1 exactly when `anomaly`. */
  readonly reach: number
  /** The reach of each kind. */
  readonly kinds: PerKind<number>
  /** The share of the requests that is harmed, 0…1; see `harmOf`. */
  readonly harm: number
  /** The harm that has lasted; see `lastingHarm`. */
  readonly lasting: number
  /** Minutes since the alarm began; the length of an interval outside an alarm. */
  readonly minutes: number
  /** The interval belongs to an alarm. */
  readonly confirmed: boolean
  /** The alarm comes and goes; null when it does not. */
  readonly flapping: Flapping | null
}

/** How often a deviation has come and gone of late. */
export interface Flapping {
  /** Anomalous reports. */
  readonly anomalous: number
  /** All reports from the first of them to the latest. */
  readonly reports: number
}

/** The reach of an interval that is not anomalous stays below this. */
export const MAX_NORMAL_REACH = 0.99

/**
 * Decides about one interval alone. It is anomalous when the forest says so (score < 0) and a deviation matters: one
 * kind passes the gate of its length, or two kinds pass the joint gate (see `gatesOf`). With fewer requests than
 * `effects.requests`, only traffic is judged.
 *
 * @param score of the forest, see `forestScores`
 * @param thresholds factors on the gates
 * @param harmBefore the harm of the report before
 */
export function decideMinute(
  measured: Omit<MeasuredInterval, 'moment' | 'factor' | 'channels'>,
  score: number,
  effects: LeastEffects,
  thresholds: Pick<Thresholds, 'gates' | 'joint'>,
  harmBefore = 0,
): Decision {
  const { interval, strengths, gates } = measured
  // A few requests prove nothing about latencies and errors. Many such minutes may, as evidence.
  const isEnough = interval.requests >= effects.requests
  const kinds = reaches(strengths, gates.gate, isEnough, thresholds.gates)
  const joint = jointReach(measured, effects, thresholds.joint)
  const found = Math.max(strongest(kinds), joint)
  const anomaly = score < 0 && found >= 1
  const reach = anomaly ? found : Math.min(found, MAX_NORMAL_REACH)
  const harm = harmOf(measured)
  const lasting = lastingHarm(harm, harmBefore, interval.seconds)
  const minutes = interval.seconds / 60
  return { anomaly, score, reach, kinds, harm, lasting, minutes, confirmed: false, flapping: null }
}

/** How far the second of two kinds reaches the joint gate. */
export function jointReach(
  { interval, strengths, gates }: Pick<MeasuredInterval, 'interval' | 'strengths' | 'gates'>,
  effects: LeastEffects,
  factor = 1,
): number {
  const factors = factor === 1 ? NEUTRAL.gates : mapKinds(() => factor)
  return second(reaches(strengths, gates.joint, interval.requests >= effects.requests, factors))
}

/** How far each kind reaches a gate; 0 for latencies and errors of too few requests. */
function reaches(
  strengths: Strengths,
  gate: Gate,
  isEnough: boolean,
  factors = NEUTRAL.gates,
): PerKind<number> {
  const { traffic_spike, traffic_drop, latency_spike, error_rate_spike } = strengths
  return {
    traffic_spike: Math.max(0, reachOf(traffic_spike, gate, factors.traffic_spike)),
    traffic_drop: Math.max(0, reachOf(traffic_drop, gate, factors.traffic_drop)),
    latency_spike: isEnough ? Math.max(0, reachOf(latency_spike, gate, factors.latency_spike)) : 0,
    error_rate_spike: isEnough ? Math.max(0, reachOf(error_rate_spike, gate, factors.error_rate_spike)) : 0,
  }
}

/** The second largest. More traffic and less traffic exclude each other. */
function second({ traffic_spike, traffic_drop, latency_spike, error_rate_spike }: PerKind<number>): number {
  const traffic = Math.max(traffic_spike, traffic_drop)
  const most = Math.max(traffic, latency_spike, error_rate_spike)
  const least = Math.min(traffic, latency_spike, error_rate_spike)
  return traffic + latency_spike + error_rate_spike - most - least
}
