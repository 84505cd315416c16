import type { LeastEffects } from './effects.js'
import type { Feature } from './features.js'
import { GATE } from './gates.js'
import type { MeasuredInterval } from './measure.js'
import { fromScale } from './scales.js'
import type { Thresholds } from './thresholds.js'

/** Where a feature's value was expected, in its unit. */
export interface Band {
  readonly value: number
  readonly lower: number
  readonly upper: number
}

/**
 * The expected value of a feature, and the band up to where a deviation passes {@link GATE}: the wider of the certain
 * deviation and of the one that matters.
 */
export function expectedBand(
  feature: Feature,
  { deviation, factor }: Pick<MeasuredInterval, 'deviation' | 'factor'>,
  effects: LeastEffects,
  gates: Thresholds['gates'],
): Band {
  const { expected, sigmaUp, sigmaDown } = deviation[feature]
  const value = fromScale(feature, expected)
  const [gateUp, gateDown] = gatesOf(feature, gates)
  const { up } = smallestMargin(feature, value, effects, factor, GATE.effect * gateUp)
  const { down } = smallestMargin(feature, value, effects, factor, GATE.effect * gateDown)
  const upper = Math.max(fromScale(feature, expected + GATE.z * sigmaUp), value + up)
  const lower = Math.min(fromScale(feature, expected - GATE.z * sigmaDown), value - down)
  return { value, lower: Math.max(0, lower), upper: feature === 'error_rate' ? Math.min(1, upper) : upper }
}

/** The factors on the gates upwards and downwards. Only less traffic is judged downwards. */
function gatesOf(feature: Feature, gates: Thresholds['gates']): [number, number] {
  if (feature === 'requests_per_second') return [gates.traffic_spike, gates.traffic_drop]
  return [feature === 'error_rate' ? gates.error_rate_spike : gates.latency_spike, 1]
}

/** A deviation of so many times the smallest that matters, upwards and downwards, in the feature's unit. */
function smallestMargin(
  feature: Feature,
  value: number,
  effects: LeastEffects,
  factor: number,
  size: number,
): { up: number; down: number } {
  if (feature === 'error_rate') return { up: size * effects.errors, down: value }
  const share = feature === 'requests_per_second' ? effects.traffic : effects.latency
  const ratio = (1 + share) ** (size * factor)
  const up = value * (ratio - 1)
  const isLatency = feature !== 'requests_per_second'
  return { up: isLatency ? Math.max(up, size * effects.latencyMs) : up, down: value * (1 - 1 / ratio) }
}
