import type { LocalMinute } from '../seasonality/local-time.js'
import type { Deviation } from './deviation.js'
import type { LeastEffects } from './effects.js'
import { explain } from './explain.js'
import { FEATURES, mapFeatures, type Feature, type Interval, type PerFeature } from './features.js'
import { fromScale } from './scales.js'
import {
  GATE,
  JOINT_GATE,
  KINDS,
  reachOf,
  type Channels,
  strongest,
  type Kind,
  type PerKind,
  type Strengths,
} from './strengths.js'

/** What can be wrong with an interval, in the words of the HTTP interface. */
export const ANOMALY_TYPES = [
  'traffic_spike',
  'traffic_drop',
  'latency_spike',
  'error_rate_spike',
  'pattern_anomaly',
  'multi_dimensional',
] as const

export type AnomalyType = (typeof ANOMALY_TYPES)[number]

export type Severity = 'low' | 'medium' | 'high' | 'critical'

/** Where a feature's value was expected, in its unit. */
export interface Band {
  readonly value: number
  readonly lower: number
  readonly upper: number
}

/** What an interval is judged to be. */
export interface Verdict {
  readonly anomaly: boolean
  /** −s(x, n) − threshold: negative when the forest calls the interval anomalous. */
  readonly score: number
  /** Strength of the whole verdict, 0…1: at least 0.5 exactly when `anomaly`. */
  readonly normalizedScore: number
  readonly type: AnomalyType | null
  readonly severity: Severity | null
  /** 0…1. */
  readonly confidence: number
  readonly explanation: string
  readonly expected: PerFeature<Band>
  /** Not negative, together 1. */
  readonly contributions: PerFeature<number>
}

/** An interval with all that a verdict is made of. */
export interface JudgedInterval {
  readonly interval: Interval
  readonly moment: LocalMinute
  readonly deviation: Deviation
  /** On the smallest effects that matter, see `effectFactor`. */
  readonly factor: number
  readonly channels: Channels
  readonly strengths: Strengths
  /** −s(x, n) − threshold. */
  readonly score: number
}

/** What was found: how far beyond the line it goes (1 lies on it), and by which strengths. */
export interface Finding {
  readonly anomaly: boolean
  /** At least 1 exactly when anomaly. */
  readonly reach: number
  /** Times the line of each kind. */
  readonly kinds: Readonly<Record<Kind, number>>
  /** Minutes that it has lasted; an interval by itself counts as one. */
  readonly minutes: number
  /** It belongs to an alarm that is certain. */
  readonly confirmed: boolean
}

/** Two kinds at once are of two types when the weaker is at least so near to the stronger, */
const ALIKE = 0.4
/** which counts up to here: beyond it is large, however far. */
const LARGE = 3

/** How far beyond the line takes the strength from 0.5 to 0.816 (1 − 1/e of the way to 1). */
const STRENGTH_SCALE = 0.9

/** The history, in minutes, at which a verdict is given half of the confidence that much more of it would give. */
const HALF_CONFIDENCE_SAMPLES = 60

/**
 * What an interval shows by itself: it is anomalous when the forest says so (score < 0) and a deviation matters: one
 * kind is both certain and large enough ({@link GATE}), or two are nearly so at once ({@link JOINT_GATE}).
 */
export function findByItself(
  { interval, strengths, score }: Pick<JudgedInterval, 'interval' | 'strengths' | 'score'>,
  effects: LeastEffects,
): Finding {
  // Few requests prove nothing of latencies and errors by themselves, though many such minutes may.
  const proves = interval.requests >= effects.requests
  const kinds = reaches(strengths, GATE, proves)
  const joint = reaches(strengths, JOINT_GATE, proves)
  const reach = Math.max(strongest(kinds), second(joint))
  const anomaly = score < 0 && reach >= 1
  return { anomaly, reach: anomaly ? reach : Math.min(reach, 0.99), kinds, minutes: 1, confirmed: false }
}

/** How far each kind reaches a gate; 0 where it cannot be proven. */
function reaches(strengths: Strengths, gate: typeof GATE, proves: boolean): PerKind<number> {
  const { traffic_spike, traffic_drop, latency_spike, error_rate_spike } = strengths
  return {
    traffic_spike: Math.max(0, reachOf(traffic_spike, gate)),
    traffic_drop: Math.max(0, reachOf(traffic_drop, gate)),
    latency_spike: proves ? Math.max(0, reachOf(latency_spike, gate)) : 0,
    error_rate_spike: proves ? Math.max(0, reachOf(error_rate_spike, gate)) : 0,
  }
}

/** The second largest; more traffic and less exclude each other. */
function second({ traffic_spike, traffic_drop, latency_spike, error_rate_spike }: PerKind<number>): number {
  const traffic = Math.max(traffic_spike, traffic_drop)
  const most = Math.max(traffic, latency_spike, error_rate_spike)
  const least = Math.min(traffic, latency_spike, error_rate_spike)
  return traffic + latency_spike + error_rate_spike - most - least
}

/** The verdict on an interval of which that was found. */
export function verdictOf(
  judged: JudgedInterval,
  finding: Finding,
  effects: LeastEffects,
  nSamples: number,
): Verdict {
  const { deviation, score } = judged
  const { anomaly, reach } = finding
  const normalizedScore = normalized(finding)
  const expected = mapFeatures((feature) => bandOf(feature, judged, effects))
  const contributions = contributionsOf(deviation)
  return {
    anomaly,
    score,
    normalizedScore,
    type: anomaly ? typeOf(finding) : null,
    severity: anomaly ? severityOf(reach, finding.minutes) : null,
    confidence: confidenceOf(finding, normalizedScore, nSamples),
    explanation: explain(finding, judged, expected, contributions),
    expected,
    contributions: contributions ?? EQUAL_CONTRIBUTIONS,
  }
}

/** Up to 0.5 below the line, from there towards 1. */
export function normalized({ anomaly, reach }: Pick<Finding, 'anomaly' | 'reach'>): number {
  return anomaly ? 1 - 0.5 * Math.exp(-(reach - 1) / STRENGTH_SCALE) : Math.min(Math.max(reach, 0), 0.99) / 2
}

/**
 * The kind that is furthest beyond its line. Where another is nearly as far: multi_dimensional; where none is beyond
 * it alone, it is their coming together that is unusual: pattern_anomaly.
 */
function typeOf({ kinds }: Finding): AnomalyType {
  const [first, second] = [...KINDS].sort((a, b) => kinds[b] - kinds[a])
  if (kinds[first!] < 1) return 'pattern_anomaly'
  const isAlike = kinds[second!] >= Math.max(1, ALIKE * Math.min(LARGE, kinds[first!]))
  return isAlike ? 'multi_dimensional' : first!
}

/** By how far beyond the line it goes, and one step higher from half an hour on. */
function severityOf(reach: number, minutes: number): Severity {
  const steps: readonly Severity[] = ['low', 'medium', 'high', 'critical']
  const size = reach < 1.5 ? 0 : reach < 2.5 ? 1 : reach < 4 ? 2 : 3
  return steps[Math.min(3, size + (minutes >= 30 ? 1 : 0))]!
}

/**
 * How likely the verdict is right, as it was on the evaluation's weeks (docs/detection-report.md), where about one minute
 * in a hundred lies in an incident: with fewer incidents alarms are right less often. Held back while the history is
 * short.
 */
function confidenceOf({ anomaly, confirmed }: Finding, normalizedScore: number, nSamples: number): number {
  const history = nSamples / (nSamples + HALF_CONFIDENCE_SAMPLES)
  if (confirmed) return history * (0.9 + 0.2 * Math.max(0, normalizedScore - 0.5))
  return (
    history *
    (anomaly ? logistic((normalizedScore - 0.455) / 0.035) : 1 - logistic((normalizedScore - 0.44) / 0.045))
  )
}

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x))
}

/** The band within which a value passes by itself: up to where it is certain, and large enough to matter. */
function bandOf(feature: Feature, { deviation, factor }: JudgedInterval, effects: LeastEffects): Band {
  const { expected, sigmaUp, sigmaDown } = deviation[feature]
  const value = fromScale(feature, expected)
  const least = leastOf(feature, value, effects, factor)
  const upper = Math.max(fromScale(feature, expected + GATE.z * sigmaUp), value + least.up)
  const lower = Math.min(fromScale(feature, expected - GATE.z * sigmaDown), value - least.down)
  return { value, lower: Math.max(0, lower), upper: feature === 'error_rate' ? Math.min(1, upper) : upper }
}

function leastOf(
  feature: Feature,
  value: number,
  effects: LeastEffects,
  factor: number,
): { up: number; down: number } {
  if (feature === 'error_rate') return { up: GATE.effect * effects.errors, down: value }
  const share = feature === 'requests_per_second' ? effects.traffic : effects.latency
  const ratio = (1 + share) ** (GATE.effect * factor)
  const up = value * (ratio - 1)
  const isLatency = feature !== 'requests_per_second'
  return { up: isLatency ? Math.max(up, GATE.effect * effects.latencyMs) : up, down: value * (1 - 1 / ratio) }
}

const EQUAL_CONTRIBUTIONS = mapFeatures(() => 1 / FEATURES.length)

/** Shares in what goes beyond one standard deviation in the bad direction; null where nothing does. */
function contributionsOf(deviation: Deviation): PerFeature<number> | null {
  const beyond = mapFeatures((feature) => {
    const { z } = deviation[feature]
    return Math.max(0, (feature === 'requests_per_second' ? Math.abs(z) : z) - 1)
  })
  const sum = FEATURES.reduce((total, feature) => total + beyond[feature], 0)
  return sum > 0 ? mapFeatures((feature) => beyond[feature] / sum) : null
}
