import { HALF } from '../anomaly/scales.js'

/** The logarithm of the smallest rate that is expected: a request in about two weeks. */
export const MIN_LOG_RATE = Math.log(5e-5)

/** Requests a minute at a value on the scale of traffic of a minute: log(λ + ½). */
export function rateOf(scaled: number): number {
  return Math.max(Math.exp(MIN_LOG_RATE), Math.exp(scaled) - HALF)
}

/** The value on the scale of traffic of a minute at the logarithm of requests a minute. */
export function scaleOf(logRate: number): number {
  return Math.log(Math.exp(logRate) + HALF)
}
