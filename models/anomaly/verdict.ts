import type { Decision } from './decision.js'
import type { Deviation } from './deviation.js'
import type { LeastEffects } from './effects.js'
import { expectedBand, type Band } from './expected-band.js'
import { explain } from './explain.js'
import { FEATURES, mapFeatures, type PerFeature } from './features.js'
import { KINDS } from './kinds.js'
import type { MeasuredInterval } from './measure.js'
import type { AnomalyModel } from './model.js'

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

/** In ascending order. */
export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const

export type Severity = (typeof SEVERITIES)[number]

/** The answer about an interval. */
export interface Verdict {
  readonly anomaly: boolean
  /** −s(x, n) − threshold: negative when the forest calls the interval anomalous. */
  readonly score: number
  /** Strength of the whole verdict, 0…1: at least 0.5 exactly when `anomaly`. */
  readonly normalizedScore: number
  /** Null exactly when not `anomaly`, and so is the severity. */
  readonly type: AnomalyType | null
  readonly severity: Severity | null
  /** 0…1. */
  readonly confidence: number
  readonly explanation: string
  readonly expected: PerFeature<Band>
  /** Not negative; the sum is 1. */
  readonly contributions: PerFeature<number>
}

/** Two kinds make two types when the weaker reaches at least this share of the stronger. */
export const ALIKE = 0.4

/** In that comparison, a larger reach counts as this. */
export const LARGE = 3

/** A reach this far beyond 1 takes the strength from 0.5 to 0.816 (1 − 1/e of the way to 1). */
export const STRENGTH_SCALE = 0.9

/** With a history of this many minutes, the confidence is half of what a long history would give. */
export const HALF_CONFIDENCE_MINUTES = 60

/** The verdict on an interval. */
export function verdictOf(
  measured: MeasuredInterval,
  decision: Decision,
  effects: LeastEffects,
  { days, thresholds }: Pick<AnomalyModel, 'days' | 'thresholds'>,
): Verdict {
  const { anomaly, score } = decision
  const strength = normalizedScore(decision)
  const expected = mapFeatures((feature) => expectedBand(feature, measured, effects, thresholds.gates))
  const contributions = contributionsOf(measured.deviation)
  return {
    anomaly,
    score,
    normalizedScore: strength,
    type: anomaly ? typeOf(decision) : null,
    severity: anomaly ? severityOf(decision) : null,
    confidence: confidenceOf(decision, strength, days),
    explanation: explain(decision, measured, expected, contributions),
    expected,
    contributions: contributions ?? EQUAL_CONTRIBUTIONS,
  }
}

/** Strength by reach: up to 0.5 below the gate, beyond it from 0.5 towards 1. */
export function normalizedScore({ anomaly, reach }: Pick<Decision, 'anomaly' | 'reach'>): number {
  return anomaly ? 1 - 0.5 * Math.exp(-(reach - 1) / STRENGTH_SCALE) : Math.min(Math.max(reach, 0), 0.99) / 2
}

/**
 * The kind that reaches furthest. If another reaches nearly as far, the type is multi_dimensional. If no kind passes its
 * gate alone, the combination is unusual: pattern_anomaly.
 */
function typeOf({ kinds }: Decision): AnomalyType {
  const [first, second] = [...KINDS].sort((a, b) => kinds[b] - kinds[a])
  if (kinds[first!] < 1) return 'pattern_anomaly'
  const isAlike = kinds[second!] >= Math.max(1, ALIKE * Math.min(LARGE, kinds[first!]))
  return isAlike ? 'multi_dimensional' : first!
}

/** The harm from which each severity but the lowest begins. */
export const HARM_STEPS = { medium: 0.02, high: 0.1, critical: 0.3 }

/** After this many minutes of alarm, the severity is one step higher. */
export const LONG_MINUTES = 30

/** By the harm that has lasted. The harm of one report alone counts one step less. A long alarm counts one step more. */
export function severityOf({
  harm,
  lasting,
  minutes,
}: Pick<Decision, 'harm' | 'lasting' | 'minutes'>): Severity {
  const step = Math.max(harmStep(lasting), harmStep(harm) - 1)
  return SEVERITIES[Math.min(3, step + (minutes >= LONG_MINUTES ? 1 : 0))]!
}

function harmStep(harm: number): number {
  const { medium, high, critical } = HARM_STEPS
  return harm < medium ? 0 : harm < high ? 1 : harm < critical ? 2 : 3
}

/**
 * How likely the verdict is right, calibrated on the weeks of the evaluation (docs/detection-report.md). There, about one
 * minute in a hundred lies in an incident; where incidents are rarer, a smaller share of the alarms is right. A short
 * history lowers it.
 */
function confidenceOf({ anomaly, confirmed }: Decision, strength: number, days: number): number {
  const minutes = Math.round(days * 1440)
  const history = minutes / (minutes + HALF_CONFIDENCE_MINUTES)
  if (confirmed) return history * (0.9 + 0.2 * Math.max(0, strength - 0.5))
  return history * (anomaly ? logistic((strength - 0.455) / 0.035) : 1 - logistic((strength - 0.44) / 0.045))
}

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x))
}

const EQUAL_CONTRIBUTIONS = mapFeatures(() => 1 / FEATURES.length)

/** Shares of what exceeds one standard deviation in the harmful direction; null where nothing does. */
function contributionsOf(deviation: Deviation): PerFeature<number> | null {
  const beyond = mapFeatures((feature) => {
    const { z } = deviation[feature]
    return Math.max(0, (feature === 'requests_per_second' ? Math.abs(z) : z) - 1)
  })
  const sum = FEATURES.reduce((total, feature) => total + beyond[feature], 0)
  return sum > 0 ? mapFeatures((feature) => beyond[feature] / sum) : null
}
