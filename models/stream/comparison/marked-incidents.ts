import { N_FEATURES } from '../../anomaly/features.js'
import type { RegularHistory } from '../../anomaly/regular-history.js'
import { MINUTE_MS } from '../../traffic/durations.js'
import { isNear, type TimeSpan } from './time-span.js'

/** Marks of one incident are at most so far apart, and an alarm of that incident is at most so far from its marks. */
export const MARK_TOLERANCE_MS = 15 * MINUTE_MS

/** What people said about alarms: the times of the alarms, ms since 1970, in any order. */
export interface Marks {
  /** Acknowledged or resolved. */
  readonly incidentsMs: readonly number[]
  readonly falsePositivesMs: readonly number[]
}

export const NO_MARKS: Marks = { incidentsMs: [], falsePositivesMs: [] }

/** The incidents that marks belong to, from their first mark to their last, in order of time. O(n log n). */
export function markedIncidents(marksMs: readonly number[]): TimeSpan[] {
  const incidents: { fromMs: number; toMs: number }[] = []
  for (const timeMs of [...marksMs].sort((a, b) => a - b)) {
    const last = incidents.at(-1)
    if (last && timeMs - last.toMs <= MARK_TOLERANCE_MS) last.toMs = timeMs
    else incidents.push({ fromMs: timeMs, toMs: timeMs })
  }
  return incidents
}

/** Incidents together with the alarms that belong to them: people mark one minute of an incident, not all of them. */
export function widened(incidents: readonly TimeSpan[], alarms: readonly TimeSpan[]): TimeSpan[] {
  return incidents.map((incident) => {
    const own = alarms.filter((alarm) => isNear(incident, alarm, MARK_TOLERANCE_MS))
    return {
      fromMs: Math.min(incident.fromMs, ...own.map(({ fromMs }) => fromMs)),
      toMs: Math.max(incident.toMs, ...own.map(({ toMs }) => toMs)),
    }
  })
}

/** Whether an incident has an alarm among these, or an alarm an incident. */
export function isFoundBy(alarms: readonly TimeSpan[]): (incident: TimeSpan) => boolean {
  return (incident) => alarms.some((alarm) => isNear(incident, alarm, MARK_TOLERANCE_MS))
}

/** The rows of a history that lie in no incident. O(n + m), for incidents in order of time. */
export function withoutIncidents(history: RegularHistory, incidents: readonly TimeSpan[]): RegularHistory {
  const { samples, timesMs, intervalSeconds } = history
  if (incidents.length === 0) return history
  const rowMs = intervalSeconds * 1000
  const kept: number[] = []
  let next = 0
  timesMs.forEach((timeMs, row) => {
    while (next < incidents.length && incidents[next]!.toMs < timeMs) next++
    const incident = incidents[next]
    if (!incident || incident.fromMs >= timeMs + rowMs) kept.push(row)
  })
  return {
    samples: Float64Array.from({ length: kept.length * N_FEATURES }, (_, i) => {
      const row = kept[Math.floor(i / N_FEATURES)]!
      return samples[row * N_FEATURES + (i % N_FEATURES)]!
    }),
    timesMs: Float64Array.from(kept, (row) => timesMs[row]!),
    intervalSeconds,
  }
}
