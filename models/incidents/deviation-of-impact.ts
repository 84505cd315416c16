import { SLOWER } from '../anomaly/harm.js'
import { MINUTE_MS } from '../traffic/durations.js'
import { deviationsOf, type Deviation } from './feedback.js'
import type { Incident } from './incident.js'

/**
 * How the series of an incident deviated on average, by the impact of the incident: for incidents whose minutes are not
 * known. Null without requests.
 *
 * @param endedMs when it ended, or now
 */
export function deviationOfImpact(
  {
    series,
    type,
    severity,
    startedMs,
    impact,
  }: Pick<Incident, 'series' | 'type' | 'severity' | 'startedMs' | 'impact'>,
  endedMs: number,
): Deviation | null {
  const minutes = Math.max(1, Math.round((endedMs - startedMs) / MINUTE_MS))
  const usual = (impact.requests + impact.missing - impact.excess) / minutes
  if (!(usual > 0) && !(impact.requests > 0)) return null
  const requests = impact.requests / minutes
  // The other way around as in impactOf.
  const slow = impact.requests > 0 ? Math.min(1, impact.slow / impact.requests) : 0
  const ratio = slow > 0 ? SLOWER.from + slow * (SLOWER.to - SLOWER.from) : 1
  const usualMs = 100
  const [deviation] = deviationsOf([
    {
      ...{ series, timeMs: startedMs, seconds: 60, requests, failed: impact.failed / minutes },
      latencyMs: ratio * usualMs,
      expected: { requests: Math.max(0, usual), failed: 0, latencyMs: usualMs },
      alarm: { type, severity, sinceMs: startedMs, explanation: '' },
    },
  ])
  return deviation!
}
