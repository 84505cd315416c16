import { fixedVariance, spreadAt, type Noise } from '../../../models/anomaly/noise.js'

/** One standard deviation of a row on the scale of the feature, in a local minute. */
export function sigmaAt(noise: Noise, term: number, minute: number): number {
  return Math.sqrt(fixedVariance(noise, 1) + noise.sampling * term) * spreadAt(noise, minute)
}
