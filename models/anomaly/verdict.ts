import { FEATURES, mapFeatures, type Feature, type Interval, type PerFeature } from './features.js'
import type { Expectations } from './deviation.js'
import { valueAt } from './expectation.js'
import { explain } from './explain.js'
import type { AnomalyModel } from './model.js'
import { badDeviations, strengthsOf, type Strengths } from './strengths.js'

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

/** What an interval is judged to be, by itself. */
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

/** Robust deviations of one feature that matter by themselves (Iglewicz and Hoaglin 1993, chapter 3: 3.5). */
export const GATE = 3.5

/** Robust deviations that matter where two of traffic, latency and errors have them at once. */
export const JOINT_GATE = 2.5

/** Robust deviations from which several at once are more than an unusual pattern. */
const STRONG = 2 * GATE

/** How many robust deviations beyond the gate take the strength from 0.5 to 0.816 (1 − 1/e of the way to 1). */
const STRENGTH_SCALE = 5

/** The history at which a verdict is given half of the confidence that much more history would give it. */
const HALF_CONFIDENCE_SAMPLES = 30

/**
 * Judges one interval. It is anomalous when the forest says so (score < 0) and a deviation matters: one of
 * traffic, latency and errors lies GATE robust deviations from the usual in the bad direction, or two of them
 * JOINT_GATE at once.
 *
 * @param deviation of the interval from the model's expectations, see `deviations`
 * @param score −s(x, n) − threshold, of the model's forest, for this interval
 */
export function judge(
  interval: Interval,
  deviation: PerFeature<number>,
  score: number,
  { expectations: expected, nSamples }: Pick<AnomalyModel, 'expectations' | 'nSamples'>,
): Verdict {
  const bad = badDeviations(deviation)
  const strengths = strengthsOf(bad)
  const [first, second] = Object.values(strengths).sort((a, b) => b - a) as [number, number, number]
  // 1 at the gate, whichever is nearer: that of one deviation or that of two at once.
  const reach = Math.max(first / GATE, second / JOINT_GATE)
  const anomaly = score < 0 && reach >= 1
  const normalizedScore = anomaly ? strengthBeyondGate(reach) : Math.min(reach, 0.99) / 2
  const expectedBands = mapFeatures((feature) => bandOf(feature, expected))
  const contributions = contributionsOf(bad)
  return {
    anomaly,
    score,
    normalizedScore,
    type: anomaly ? typeOf(strengths, deviation.requests_per_second < 0) : null,
    severity: anomaly ? severityOf(normalizedScore) : null,
    confidence: confidenceOf(normalizedScore, nSamples),
    explanation: explain(anomaly, interval, expectedBands, bad),
    expected: expectedBands,
    contributions,
  }
}

/** From 0.5 at the gate towards 1. */
function strengthBeyondGate(reach: number): number {
  return 1 - 0.5 * Math.exp((-(reach - 1) * GATE) / STRENGTH_SCALE)
}

/**
 * What kind of anomaly the deviations make: the kind of the only one that matters, or of one that is at least
 * twice the next; where several matter alike, multi_dimensional when they are strong and pattern_anomaly when
 * it is their coming together that is unusual.
 */
function typeOf({ traffic, latency, errors }: Strengths, isDrop: boolean): AnomalyType {
  const byStrength: { type: AnomalyType; strength: number }[] = [
    { type: isDrop ? 'traffic_drop' : 'traffic_spike', strength: traffic },
    { type: 'latency_spike', strength: latency },
    { type: 'error_rate_spike', strength: errors },
  ]
  const [first, second] = byStrength.sort((a, b) => b.strength - a.strength)
  if (second!.strength < JOINT_GATE || first!.strength >= 2 * second!.strength) return first!.type
  return first!.strength < STRONG ? 'pattern_anomaly' : 'multi_dimensional'
}

function severityOf(normalizedScore: number): Severity {
  if (normalizedScore < 0.65) return 'low'
  if (normalizedScore < 0.8) return 'medium'
  return normalizedScore < 0.92 ? 'high' : 'critical'
}

/** How far from the border (0.5) the verdict is, held back while the history is short. */
function confidenceOf(normalizedScore: number, nSamples: number): number {
  const history = nSamples / (nSamples + HALF_CONFIDENCE_SAMPLES)
  return history * (0.5 + Math.abs(normalizedScore - 0.5))
}

/** The band within which a value passes by itself. */
function bandOf(feature: Feature, expected: Expectations): Band {
  const expectation = expected[feature]
  const upper = valueAt(GATE, expectation)
  return {
    value: expectation.value,
    lower: valueAt(-GATE, expectation),
    upper: feature === 'error_rate' ? Math.min(1, upper) : upper,
  }
}

/** Shares in what goes beyond one robust deviation; equal where nothing does. */
function contributionsOf(bad: PerFeature<number>): PerFeature<number> {
  const beyond = mapFeatures((feature) => Math.max(0, bad[feature] - 1))
  const sum = FEATURES.reduce((total, feature) => total + beyond[feature], 0)
  return mapFeatures((feature) => (sum > 0 ? beyond[feature] / sum : 1 / FEATURES.length))
}
