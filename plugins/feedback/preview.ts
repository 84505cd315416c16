import type { Sql } from 'postgres'
import { incidentDeviations } from '../../db/own/incident-deviations.js'
import { findIncidents, type StoredIncident } from '../../db/own/incidents.js'
import { FEEDBACK_DAYS, hoursOf, isInHours, wouldMute } from '../../models/incidents/feedback.js'
import { GATEWAY } from '../../models/stream/stream-state.js'
import { DAY_MS } from '../../models/traffic/durations.js'
import { shownDeviation, type ShownDeviation } from './shown-deviation.js'

/** What feedback on an incident would have muted. */
export interface FeedbackPreview {
  /** How many incidents it was compared with: the last ones besides its own. */
  readonly compared: number
  /** Those that it would have muted, the newest first. */
  readonly muted: readonly StoredIncident[]
  /** Those of them that somebody acknowledged or resolved. */
  readonly acknowledged: readonly StoredIncident[]
  readonly deviations: readonly ShownDeviation[]
  readonly hours: readonly number[]
  readonly timeZone: string
  readonly expiresAt: Date
}

/** So many incidents are looked at. */
const MAX_COMPARED = 40

const NEWEST = {
  ...{ from: null, to: null, states: [], types: [], severities: [], source: null, endpoint: null },
  ...{ after: null, gatewayName: GATEWAY, limit: MAX_COMPARED + 1 },
} as const

export async function previewFeedback(
  sql: Sql,
  incident: StoredIncident,
  timeZone: string,
  now: Date,
): Promise<FeedbackPreview> {
  const span = spanOf(incident, now)
  const deviations = await incidentDeviations(sql, incident, now)
  const newest = await findIncidents(sql, NEWEST)
  const others = newest.filter(({ id }) => id !== incident.id).slice(0, MAX_COMPARED)
  const muted: StoredIncident[] = []
  for (const other of others) {
    const ofOther = { ...spanOf(other, now), isCritical: other.peak.severity === 'critical' }
    if (!isInHours(span, ofOther, timeZone)) continue
    const past = { ...ofOther, deviations: await incidentDeviations(sql, other, now) }
    if (wouldMute({ ...span, deviations }, past, timeZone)) muted.push(other)
  }
  return {
    compared: others.length,
    muted,
    acknowledged: muted.filter(isReal),
    deviations: deviations.map(shownDeviation),
    hours: hoursOf(span, timeZone),
    timeZone,
    expiresAt: new Date(now.getTime() + FEEDBACK_DAYS * DAY_MS),
  }
}

const spanOf = ({ startedAt, endedAt }: StoredIncident, now: Date) => ({
  startedMs: startedAt.getTime(),
  endedMs: (endedAt ?? now).getTime(),
})

/** Whether somebody said that it was an incident. */
function isReal({ state, acknowledgedAt, resolvedAt }: StoredIncident): boolean {
  return state === 'acknowledged' || (state === 'resolved' && (acknowledgedAt ?? resolvedAt) !== null)
}
