import { residualOf, type Chance } from './chance.js'
import type { LeastEffects } from './effects.js'
import { termOf } from './expectation.js'
import type { Feature } from './features.js'
import type { FeatureDeviation } from './deviation.js'
import type { MeasuredInterval } from './measure.js'
import { fromScale } from './scales.js'
import type { Thresholds } from './thresholds.js'

/** Where a feature's value was expected, in its unit. */
export interface Band {
  readonly value: number
  readonly lower: number
  readonly upper: number
}

/** The band of a feature of which a model knows nothing. */
export const UNKNOWN_BAND: Band = { value: NaN, lower: NaN, upper: NaN }

/**
 * The expected value of a feature, and the band up to where a deviation passes the gate: the wider of the certain
 * deviation and of the one that matters. Latencies and errors of fewer requests than `effects.requests` are not judged
 * alone; their band is that of so many.
 */
export function expectedBand(
  feature: Feature,
  {
    deviation,
    factor,
    interval,
    gates,
  }: Pick<MeasuredInterval, 'deviation' | 'factor' | 'interval' | 'gates'>,
  effects: LeastEffects,
  factors: Thresholds['gates'],
): Band {
  const { seconds } = interval
  const { expected } = deviation[feature]
  const { gate } = gates
  const value = fromScale(feature, expected, seconds)
  const [factorUp, factorDown] = factorsOf(feature, factors)
  const rise = smallestMargin(feature, value, effects, gate.effect * factorUp, factor).up
  const fall = smallestMargin(feature, value, effects, gate.effect * factorDown, factor).down
  const [down, up] = certainDistances(feature, deviation[feature], gate.z, effects.requests)
  const upper = Math.max(fromScale(feature, expected + up, seconds), value + rise)
  const lower = Math.min(fromScale(feature, expected - down, seconds), value - fall)
  return { value, lower: Math.max(0, lower), upper: feature === 'error_rate' ? Math.min(1, upper) : upper }
}

/** The factors on the gates upwards and downwards. Only less traffic is judged downwards. */
function factorsOf(feature: Feature, gates: Thresholds['gates']): [number, number] {
  if (feature === 'requests_per_second') return [gates.traffic_spike, gates.traffic_drop]
  return [feature === 'error_rate' ? gates.error_rate_spike : gates.latency_spike, 1]
}

/** How far a value has to lie from the expected one to be certain, downwards and upwards, on the feature's scale. */
function certainDistances(
  feature: Feature,
  { sigmaUp, sigmaDown, sampled, requests, chance }: FeatureDeviation,
  z: number,
  minRequests: number,
): [number, number] {
  if (feature === 'requests_per_second') return [z * sigmaDown, certainRise(z * sigmaUp, sampled)]
  const n = Math.max(1, requests)
  if (chance) {
    const judged = n < minRequests ? withRequests(feature, chance, minRequests) : chance
    return [-residualOf(-z, judged), Math.min(residualOf(z, judged), MAX_RISE)]
  }
  const fewer = Math.sqrt(1 - sampled + (sampled * n) / Math.max(n, minRequests))
  return [z * sigmaDown * fewer, Math.min(z * sigmaUp * fewer, MAX_RISE)]
}

/** The noise of a latency of so many requests. */
function withRequests(feature: Feature, chance: Chance, requests: number): Chance {
  const term = termOf(feature, requests, { tail: chance.index })
  return { ...chance, shape: 1 / term, sampled: chance.sampled * chance.shape * term }
}

/** No band ends further above the expected value than this: a thousand times. */
const MAX_RISE = Math.log(1000)

/** Rounds of the iteration of a rise; the error is below a hundredth after them. */
const ROUNDS = 6

/**
 * The smallest certain rise of a count, as a logarithm. The variance is that half-way to the higher count, as in
 * `deviationOf`: few requests become many, so the variance that they add falls. Solved by a damped iteration.
 *
 * @param most the rise with the variance of the expected count
 */
function certainRise(most: number, sampled: number): number {
  let rise = most / 2
  for (let round = 0; round < ROUNDS; round++) {
    const midway = (1 + Math.exp(Math.min(rise, MAX_RISE))) / 2
    rise = (rise + most * Math.sqrt(1 - sampled + sampled / midway)) / 2
  }
  return Math.min(rise, MAX_RISE)
}

/** The smallest deviation that matters, upwards and downwards, in the feature's unit. */
function smallestMargin(
  feature: Feature,
  value: number,
  effects: LeastEffects,
  effect: number,
  factor: number,
): { up: number; down: number } {
  if (feature === 'error_rate') return { up: effect * effects.errors, down: value }
  const share = feature === 'requests_per_second' ? effects.traffic : effects.latency
  const ratio = (1 + share) ** (effect * factor)
  const up = value * (ratio - 1)
  const isLatency = feature !== 'requests_per_second'
  return { up: isLatency ? Math.max(up, effect * effects.latencyMs) : up, down: value * (1 - 1 / ratio) }
}
