import { EXCESS_HARM, SLOWER } from '../anomaly/harm.js'
import type { AnomalyType } from '../anomaly/verdict.js'
import type { SeriesMinute } from './series-minute.js'

/** Requests that were harmed beyond what is usual, or were too many. Not negative; they may be fractions. */
export interface Impact {
  readonly requests: number
  readonly failed: number
  readonly slow: number
  readonly missing: number
  readonly excess: number
}

export const NO_IMPACT: Impact = { requests: 0, failed: 0, slow: 0, missing: 0, excess: 0 }

/** The ways in which requests are harmed. */
export const HARMS = ['failed', 'slow', 'missing', 'excess'] as const
export type Harm = (typeof HARMS)[number]

/** How each type of alarm harms. */
const HARM_OF: Readonly<Record<AnomalyType, readonly Harm[]>> = {
  traffic_spike: ['excess'],
  traffic_drop: ['missing'],
  latency_spike: ['slow'],
  error_rate_spike: ['failed'],
  pattern_anomaly: [],
  multi_dimensional: [],
}

/** Standard deviations of a count by chance that do not count. */
const CHANCE = 2

/**
 * What a minute adds to an impact. Counts are what exceeds the expected one. In the way of the alarm all of it counts;
 * in other ways only what is more than two standard deviations of a Poisson count. Latencies count from one and a half
 * times the usual one on, and fully from four times on, as in `harmOf`.
 */
export function impactOf(minute: SeriesMinute): Impact {
  const { requests, failed, expected, alarm } = minute
  const certain = alarm === null ? [] : HARM_OF[alarm.type]
  const beyond = (harm: Harm, difference: number, usual: number) => {
    const least = certain.includes(harm) ? 0 : CHANCE * Math.sqrt(Math.max(usual, 0.5))
    return difference > least ? difference : 0
  }
  return {
    requests,
    failed: beyond('failed', failed - expected.failed, expected.failed),
    slow: requests * slowness(minute),
    missing: beyond('missing', expected.requests - requests, expected.requests),
    excess: beyond('excess', requests - expected.requests, expected.requests),
  }
}

/** How slow a minute is, 0…1; see `SLOWER`. */
function slowness({ latencyMs, expected }: SeriesMinute): number {
  const usualMs = expected.latencyMs ?? 0
  const ratio = latencyMs !== null && usualMs > 0 ? latencyMs / usualMs : 1
  return Math.min(1, Math.max(0, (ratio - SLOWER.from) / (SLOWER.to - SLOWER.from)))
}

export function addImpact(a: Impact, b: Impact): Impact {
  return {
    requests: a.requests + b.requests,
    failed: a.failed + b.failed,
    slow: a.slow + b.slow,
    missing: a.missing + b.missing,
    excess: a.excess + b.excess,
  }
}

/** Part by part the larger one. */
export function largerImpact(a: Impact, b: Impact): Impact {
  return {
    requests: Math.max(a.requests, b.requests),
    failed: Math.max(a.failed, b.failed),
    slow: Math.max(a.slow, b.slow),
    missing: Math.max(a.missing, b.missing),
    excess: Math.max(a.excess, b.excess),
  }
}

/** Harmed requests in one number. Requests that are too many count as in `harmOf`. */
export function harmedRequests({ failed, slow, missing, excess }: Impact): number {
  return failed + slow + missing + EXCESS_HARM * excess
}

/** The requests of a minute that can be harmed in a way: the expected ones when they are missing. */
export function harmableRequests(harm: Harm, { requests, expected }: SeriesMinute): number {
  return harm === 'missing' || harm === 'excess' ? expected.requests : requests
}
