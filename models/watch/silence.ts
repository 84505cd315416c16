import type { Incident } from '../incidents/incident.js'
import type { SeriesAlarm, SeriesMinute } from '../incidents/series-minute.js'
import { SEVERITIES } from '../anomaly/verdict.js'
import { MINUTE_MS } from '../traffic/durations.js'
import { NO_REQUESTS } from './endpoint-minute.js'
import { gatewayDetector, type WatchDetector } from './judge-round.js'
import { judgeSeries } from './judge-series.js'
import type { SeriesState } from './series-state.js'

// A log without new rows says nothing: the gateway may be down, or its log may be late. So the minutes since the newest row
// are not judged for good. They are judged for now, as if they had no requests. If that is an alarm, the log itself is the
// incident.

/** How a log is silent. Immutable. */
export interface Silence {
  /** The newest row, ms since 1970. */
  readonly sinceMs: number
  /** Minutes before this one are judged for now. */
  readonly judgedToMs: number
  readonly gateway: SeriesState
  readonly alarm: SeriesAlarm | null
  /** Requests that were expected since. */
  readonly missing: number
}

/** Minutes of silence that are judged; a longer one changes nothing. */
const MAX_MINUTES = 24 * 60

/** @param gateway the state of the gateway before the silence */
export function beginSilence(sinceMs: number, gateway: SeriesState): Silence {
  const judgedToMs = Math.ceil(sinceMs / MINUTE_MS) * MINUTE_MS
  return { sinceMs, judgedToMs, gateway, alarm: null, missing: 0 }
}

/** Judges the minutes of a silence up to a time. */
export function judgeSilence(before: Silence, toMs: number, detector: WatchDetector): Silence {
  let { judgedToMs, gateway, alarm, missing } = before
  const endMs = Math.min(toMs, before.sinceMs + MAX_MINUTES * MINUTE_MS)
  while (judgedToMs + MINUTE_MS <= endMs) {
    const whole = { kind: 'gateway', name: '' } as const
    const judged = judgeSeries(gateway, whole, NO_REQUESTS, judgedToMs, gatewayDetector(detector))
    gateway = judged.state
    // What was an alarm stays one, until there are rows again.
    alarm = judged.minute.alarm ?? alarm
    missing += judged.minute.expected.requests
    judgedToMs += MINUTE_MS
  }
  return { sinceMs: before.sinceMs, judgedToMs, gateway, alarm, missing }
}

/**
 * The incident of a silence; null while it is no alarm. Its number is negative: it belongs to the minute in which the
 * silence began, and does not come from the book.
 *
 * @param before what was said of it before
 */
export function silenceIncident(
  { sinceMs, alarm, missing, judgedToMs }: Silence,
  before: Incident | null,
): Incident | null {
  if (alarm === null) return null
  const worse =
    before === null || SEVERITIES.indexOf(alarm.severity) > SEVERITIES.indexOf(before.peak.severity)
  const number = Math.round(missing)
  return {
    number: -Math.floor(sinceMs / MINUTE_MS),
    series: { kind: 'gateway', name: '' },
    type: 'traffic_drop',
    severity: alarm.severity,
    peak: worse ? { severity: alarm.severity, timeMs: judgedToMs - MINUTE_MS } : before.peak,
    startedMs: sinceMs,
    endedMs: null,
    explanation: `No rows since ${clock(sinceMs)}: the log has stopped, or the gateway has no requests. ${number} were expected.`,
    endpoints: [],
    impact: { requests: 0, failed: 0, slow: 0, missing: number, excess: 0 },
  }
}

/** The newest minute of a silence, with as many missing requests as in its minutes on average. */
export function silentMinute({ sinceMs, judgedToMs, alarm, missing }: Silence): SeriesMinute {
  const minutes = Math.max(1, (judgedToMs - sinceMs) / MINUTE_MS)
  return {
    series: { kind: 'gateway', name: '' },
    ...{ timeMs: judgedToMs - MINUTE_MS, seconds: 60, requests: 0, failed: 0, latencyMs: null, alarm },
    expected: { requests: missing / minutes, failed: 0, latencyMs: null },
  }
}

/** The incident of a silence that is over. It ends with the first row after it, so where rows were only late, at once. */
export function endedSilence(incident: Incident, endedMs: number): Incident {
  const { startedMs, impact } = incident
  const from = clock(startedMs)
  const wereLate = endedMs - startedMs < MINUTE_MS
  const what = wereLate ? `The rows since ${from} came late` : `No rows from ${from} to ${clock(endedMs)}`
  return { ...incident, endedMs, explanation: `${what}. ${impact.missing} were expected.` }
}

const clock = (timeMs: number) => `${new Date(timeMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`

/** Whether a silence still goes on. */
export const isOpenSilence = (silence: Incident | null): silence is Incident => silence?.endedMs === null

/** Whether the minutes of a silence are judged up to its end. */
export const isPastSilence = (silence: Incident | null, judgedToMs: number): boolean =>
  silence !== null && silence.endedMs !== null && silence.endedMs <= judgedToMs
