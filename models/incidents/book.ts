import { SEVERITIES, type Severity } from '../anomaly/verdict.js'
import { MINUTE_MS } from '../traffic/durations.js'
import type { BookState, Member, OpenIncident } from './book-state.js'
import { describeIncident } from './describe.js'
import { addImpact, harmedRequests, impactOf, type Impact } from './impact.js'
import type { Incident } from './incident.js'
import {
  hasMember,
  incidentOf,
  keyOf,
  SAME_ONSET_MS,
  type AlarmedMinute,
  type IncidentDraft,
} from './join.js'
import type { SeriesMinute } from './series-minute.js'

/** What a round changed. */
export interface IncidentChanges {
  readonly opened: readonly Incident[]
  /** Still open; their severity, members or impact changed. */
  readonly updated: readonly Incident[]
  readonly ended: readonly Incident[]
}

/** An incident goes on after a pause of so many minutes. */
export const MAX_PAUSE_MINUTES = 10

/** Incidents that are open at a time. More alarms join the newest. */
export const MAX_OPEN = 100

/** Series in an incident that have no alarm themselves: those with the largest part in the gateway's deviation. */
const MAX_BYSTANDERS = 20

/** An endpoint without an alarm has a part in the deviation of the gateway from this share on. */
const MIN_PART = 0.05

/**
 * The incidents after a round. An alarm belongs to the incident that its series is in; a new one joins an open incident
 * or opens one, see `incidentOf`. An incident ends when none of its series has had an alarm for
 * {@link MAX_PAUSE_MINUTES} minutes; its end is that of its last alarm. One that somebody closed changes no more. The same
 * rounds give the same incidents.
 *
 * @param minutes of one and the same minute, later than those of the round before; the order does not matter
 */
export function recordRound(
  before: BookState,
  minutes: readonly SeriesMinute[],
): { readonly state: BookState; readonly changes: IncidentChanges } {
  const timeMs = minutes[0]?.timeMs
  if (timeMs === undefined) return { state: before, changes: { opened: [], updated: [], ended: [] } }
  const round = alarmsOf(minutes)
  const isOver = ({ lastMs }: OpenIncident) => timeMs - lastMs > MAX_PAUSE_MINUTES * MINUTE_MS
  const ended = before.open.filter(isOver)
  const open = before.open.filter((incident) => !isOver(incident)).map(draftOf)
  const joinable = open.filter(({ isClosed }) => !isClosed)
  let { count } = before
  const touched = new Map<Draft, AlarmedMinute[]>()
  const opened = new Set<number>()
  for (const alarmed of round) {
    const joined =
      open.find((incident) => hasMember(incident, alarmed.key)) ??
      incidentOf(alarmed, joinable, round) ??
      (open.length >= MAX_OPEN ? open.at(-1)! : null)
    const incident = joined ?? begin(++count, alarmed)
    if (joined) extend(joined, alarmed)
    else {
      opened.add(count)
      open.push(incident)
      joinable.push(incident)
    }
    const own = touched.get(incident) ?? []
    touched.set(incident, own)
    own.push(alarmed)
  }
  for (const [incident, own] of touched) endRound(incident, minutes, own, round)
  const after = open.map((draft): OpenIncident => ({ ...draft, members: [...draft.members.values()] }))
  const changed = new Set([...touched.keys()].filter(({ isClosed }) => !isClosed).map(({ number }) => number))
  const describe = (incident: OpenIncident) => describeIncident(incident, null)
  return {
    state: { count, open: after },
    changes: {
      opened: after.filter(({ number }) => opened.has(number)).map(describe),
      updated: after.filter(({ number }) => changed.has(number) && !opened.has(number)).map(describe),
      ended: ended
        .filter(({ isClosed }) => !isClosed)
        .map((incident) => describeIncident(incident, incident.lastMs + MINUTE_MS)),
    },
  }
}

/** An open incident that a round changes. */
type Draft = { -readonly [key in keyof IncidentDraft]: IncidentDraft[key] }

function draftOf(incident: OpenIncident): Draft {
  return { ...incident, members: new Map(incident.members.map((member) => [keyOf(member.series), member])) }
}

/** The alarms of a round: the gateway first, then those that harm most, since others may be explained by them. */
function alarmsOf(minutes: readonly SeriesMinute[]): AlarmedMinute[] {
  const alarms = minutes.flatMap((minute) => {
    const { alarm } = minute
    if (alarm === null) return []
    const impact = impactOf(minute)
    return [{ key: keyOf(minute.series), minute, alarm, impact, harmed: harmedRequests(impact) }]
  })
  const rank = ({ minute }: AlarmedMinute) => (minute.series.kind === 'gateway' ? 0 : 1)
  return alarms.sort((a, b) => rank(a) - rank(b) || b.harmed - a.harmed || (a.key < b.key ? -1 : 1))
}

function begin(number: number, { key, minute, alarm, impact }: AlarmedMinute): Draft {
  const { severity, sinceMs, explanation } = alarm
  return {
    number,
    startedMs: sinceMs,
    openedMs: minute.timeMs,
    lastMs: minute.timeMs,
    severity,
    peak: { severity, timeMs: minute.timeMs, explanation },
    members: new Map([[key, memberOf(minute, alarm, impact)]]),
  }
}

function memberOf(
  { series, timeMs }: SeriesMinute,
  { severity, sinceMs, type, explanation }: AlarmedMinute['alarm'],
  impact: Impact,
): Member {
  const at = { startedMs: sinceMs, lastMs: timeMs }
  return { series, isAlarmed: true, ...at, types: { [type]: 1 }, severity, explanation, impact }
}

/** Adds an alarm. The member that it is of comes last then. */
function extend(incident: Draft, { key, minute, alarm, impact }: AlarmedMinute): void {
  const before = incident.members.get(key)
  const sinceMs = Math.max(alarm.sinceMs, incident.startedMs - SAME_ONSET_MS)
  const after =
    before === undefined
      ? memberOf(minute, { ...alarm, sinceMs }, impact)
      : goOn(before, minute, { ...alarm, sinceMs }, impact)
  incident.members.delete(key)
  incident.members.set(key, after)
  incident.startedMs = Math.min(incident.startedMs, after.startedMs)
  incident.lastMs = minute.timeMs
}

function goOn(
  before: Member,
  { timeMs }: SeriesMinute,
  { severity, sinceMs, type, explanation }: AlarmedMinute['alarm'],
  impact: Impact,
): Member {
  return {
    series: before.series,
    isAlarmed: true,
    startedMs: before.isAlarmed ? before.startedMs : Math.min(before.startedMs, sinceMs),
    lastMs: timeMs,
    types: { ...before.types, [type]: (before.types[type] ?? 0) + 1 },
    ...(isSeverer(before.severity, severity) && before.isAlarmed
      ? { severity: before.severity, explanation: before.explanation }
      : { severity, explanation }),
    impact: addImpact(before.impact, impact),
  }
}

function isSeverer(a: Severity, b: Severity): boolean {
  return SEVERITIES.indexOf(a) > SEVERITIES.indexOf(b)
}

/**
 * The severity of an incident, and the endpoints without an alarm that have a part in the gateway's deviation.
 * @param own the alarms of the round that belong to it
 */
function endRound(
  incident: Draft,
  minutes: readonly SeriesMinute[],
  own: readonly AlarmedMinute[],
  round: readonly AlarmedMinute[],
): void {
  const worst = own.reduce((a, b) => (isSeverer(b.alarm.severity, a.alarm.severity) ? b : a))
  const { severity, explanation } = worst.alarm
  const { timeMs } = worst.minute
  incident.severity = severity
  if (isSeverer(severity, incident.peak.severity)) incident.peak = { severity, timeMs, explanation }
  const gateway = own.find(({ minute }) => minute.series.kind === 'gateway')
  if (gateway) addBystanders(incident.members, minutes, gateway, round)
}

function addBystanders(
  members: Map<string, Member>,
  minutes: readonly SeriesMinute[],
  gateway: AlarmedMinute,
  round: readonly AlarmedMinute[],
): void {
  const alarmed = new Set(round.map(({ minute }) => minute))
  const least = MIN_PART * harmedRequests(gateway.impact)
  for (const minute of minutes) {
    const { series, timeMs } = minute
    if (series.kind !== 'endpoint' || alarmed.has(minute)) continue
    const impact = impactOf(minute)
    if (!(harmedRequests(impact) >= least) || least === 0) continue
    const key = keyOf(series)
    const before = members.get(key)
    if (before === undefined && members.size >= MAX_BYSTANDERS) continue
    const member: Member = before
      ? { ...before, impact: addImpact(before.impact, impact) }
      : { ...memberOf(minute, { ...gateway.alarm, sinceMs: timeMs }, impact), isAlarmed: false }
    members.set(key, member)
  }
}
