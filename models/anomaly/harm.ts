import { MIN_ERROR_SHARE, type FeatureDeviation } from './deviation.js'
import type { MeasuredInterval } from './measure.js'
import { ADDED_MS, fromScale } from './scales.js'

/** Requests that are added to those of an interval: few requests harm few. */
const FEW_REQUESTS = 5

/** A latency at this multiple of the usual one begins to harm, and at the second multiple harms fully. */
export const SLOWER = { from: 1.5, to: 4 }

/** Requests beyond the usual number harm nobody by themselves. They count as this share of a failed request. */
export const EXCESS_HARM = 0.15

/** An interval of this length shows by itself that the harm lasts. */
const LASTING_SECONDS = 120

/**
 * The share of the requests of an interval that are harmed: those that fail, are several times slower, or are missing,
 * more than usual. Requests missing at a quiet hour count by the traffic of that hour.
 *
 * @returns 0…1
 */
export function harmOf({ deviation, busyness }: Pick<MeasuredInterval, 'deviation' | 'busyness'>): number {
  const failed = failedShare(deviation.error_rate)
  const slow = slowShare(deviation)
  const { residual, count, requests } = deviation.requests_per_second
  const missing = residual < 0 ? (busyness * (requests - count)) / (requests + FEW_REQUESTS) : 0
  const excess = residual > 0 ? (EXCESS_HARM * (count - requests)) / (count + FEW_REQUESTS) : 0
  return Math.max(1 - (1 - failed) * (1 - slow), missing, excess, 0)
}

/** The part of the harm that two reports in a row show, or one long report. */
export function lastingHarm(harm: number, harmBefore: number, seconds: number): number {
  return seconds >= LASTING_SECONDS ? harm : Math.min(harm, harmBefore)
}

function failedShare({ residual, expected, count, requests }: FeatureDeviation): number {
  if (Number.isNaN(residual)) return 0
  const usual = Math.max(MIN_ERROR_SHARE, fromScale('error_rate', expected))
  return Math.max(0, (count - requests * usual) / (requests + FEW_REQUESTS))
}

/**
 * When a share q of the requests is slower by a factor f, the average grows by 1 + q (f − 1), and a percentile that q
 * reaches grows by f. Both give q.
 */
function slowShare({
  avg_latency_ms,
  p95_latency_ms,
  p99_latency_ms,
}: MeasuredInterval['deviation']): number {
  const average = ratioOf(avg_latency_ms)
  const slowest = Math.max(average, ratioOf(p95_latency_ms), ratioOf(p99_latency_ms))
  if (slowest <= SLOWER.from) return 0
  const share = Math.min(1, Math.max(0, average - 1) / (slowest - 1))
  const { requests } = avg_latency_ms
  const slowness = Math.min(1, (slowest - SLOWER.from) / (SLOWER.to - SLOWER.from))
  return (share * slowness * requests) / (requests + FEW_REQUESTS)
}

/** The measured latency as a multiple of the usual one; 1 when it is not known. */
function ratioOf({ residual, expected }: FeatureDeviation): number {
  if (Number.isNaN(residual)) return 1
  const usual = fromScale('avg_latency_ms', expected) + ADDED_MS
  return 1 + (usual * Math.expm1(residual)) / Math.max(usual, MIN_LATENCY_MS)
}

/** Nobody notices multiples of a shorter latency. */
const MIN_LATENCY_MS = 5
