import { SEVERITIES, type Severity } from '../anomaly/verdict.js'
import { MINUTE_MS } from '../traffic/durations.js'
import { isSame, type BookState, type Member, type OpenIncident } from './book-state.js'
import { describeIncident } from './describe.js'
import { addImpact, harmedRequests, impactOf, type Impact } from './impact.js'
import type { Incident } from './incident.js'
import { hasMember, incidentOf, SAME_ONSET_MS, type AlarmedMinute } from './join.js'
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
 * {@link MAX_PAUSE_MINUTES} minutes; its end is that of its last alarm. The same rounds give the same incidents.
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
  let open: readonly OpenIncident[] = before.open.filter((incident) => !isOver(incident))
  let { count } = before
  const touched = new Set<number>()
  const opened = new Set<number>()
  for (const alarmed of round) {
    const joined =
      open.find((incident) => hasMember(incident, alarmed.minute)) ??
      incidentOf(alarmed, open, round) ??
      (open.length >= MAX_OPEN ? open.at(-1)! : null)
    if (joined === null) {
      opened.add(++count)
      open = [...open, begin(count, alarmed)]
    } else open = open.map((each) => (each === joined ? extend(each, alarmed) : each))
    touched.add(joined?.number ?? count)
  }
  open = open.map((incident) =>
    touched.has(incident.number) ? afterRound(incident, minutes, round) : incident,
  )
  const describe = (incident: OpenIncident) => describeIncident(incident, null)
  return {
    state: { count, open },
    changes: {
      opened: open.filter(({ number }) => opened.has(number)).map(describe),
      updated: open.filter(({ number }) => touched.has(number) && !opened.has(number)).map(describe),
      ended: ended.map((incident) => describeIncident(incident, incident.lastMs + MINUTE_MS)),
    },
  }
}

/** The alarms of a round: the gateway first, then those that harm most, since others may be explained by them. */
function alarmsOf(minutes: readonly SeriesMinute[]): AlarmedMinute[] {
  const alarms = minutes.flatMap((minute) => {
    const { alarm } = minute
    return alarm === null ? [] : [{ minute, alarm, impact: impactOf(minute) }]
  })
  const rank = ({ minute }: AlarmedMinute) => (minute.series.kind === 'gateway' ? 0 : 1)
  const name = ({ minute: { series } }: AlarmedMinute) => `${series.kind} ${series.name}`
  return alarms.sort(
    (a, b) =>
      rank(a) - rank(b) ||
      harmedRequests(b.impact) - harmedRequests(a.impact) ||
      (name(a) < name(b) ? -1 : 1),
  )
}

function begin(number: number, { minute, alarm, impact }: AlarmedMinute): OpenIncident {
  const { severity, sinceMs, explanation } = alarm
  return {
    number,
    startedMs: sinceMs,
    lastMs: minute.timeMs,
    severity,
    peak: { severity, timeMs: minute.timeMs, explanation },
    members: [memberOf(minute, alarm, impact)],
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

function extend(incident: OpenIncident, { minute, alarm, impact }: AlarmedMinute): OpenIncident {
  const before = incident.members.find((member) => isSame(member.series, minute.series))
  const { severity, explanation, type, sinceMs } = alarm
  const after: Member =
    before === undefined
      ? memberOf(
          minute,
          { ...alarm, sinceMs: Math.max(alarm.sinceMs, incident.startedMs - SAME_ONSET_MS) },
          impact,
        )
      : {
          series: before.series,
          isAlarmed: true,
          startedMs: before.isAlarmed ? before.startedMs : Math.min(before.startedMs, sinceMs),
          lastMs: minute.timeMs,
          types: { ...before.types, [type]: (before.types[type] ?? 0) + 1 },
          ...(isSeverer(before.severity, severity) && before.isAlarmed
            ? { severity: before.severity, explanation: before.explanation }
            : { severity, explanation }),
          impact: addImpact(before.impact, impact),
        }
  const members = incident.members.filter((member) => member !== before)
  return {
    ...incident,
    startedMs: Math.min(incident.startedMs, after.startedMs),
    lastMs: minute.timeMs,
    members: [...members, after],
  }
}

function isSeverer(a: Severity, b: Severity): boolean {
  return SEVERITIES.indexOf(a) > SEVERITIES.indexOf(b)
}

/** The severity of an incident, and the endpoints without an alarm that have a part in the gateway's deviation. */
function afterRound(
  incident: OpenIncident,
  minutes: readonly SeriesMinute[],
  round: readonly AlarmedMinute[],
): OpenIncident {
  const own = round.filter(({ minute }) => hasMember(incident, minute))
  const worst = own.reduce((a, b) => (isSeverer(b.alarm.severity, a.alarm.severity) ? b : a))
  const { severity, explanation } = worst.alarm
  const { timeMs } = worst.minute
  const peak = isSeverer(severity, incident.peak.severity) ? { severity, timeMs, explanation } : incident.peak
  const gateway = own.find(({ minute }) => minute.series.kind === 'gateway')
  const members = gateway ? withBystanders(incident.members, minutes, gateway, round) : incident.members
  return { ...incident, severity, peak, members }
}

function withBystanders(
  members: readonly Member[],
  minutes: readonly SeriesMinute[],
  gateway: AlarmedMinute,
  round: readonly AlarmedMinute[],
): readonly Member[] {
  const alarmed = new Set(round.map(({ minute }) => minute))
  const least = MIN_PART * harmedRequests(gateway.impact)
  const known = new Map(members.map((member) => [`${member.series.kind} ${member.series.name}`, member]))
  let isChanged = false
  for (const minute of minutes) {
    const { series, timeMs } = minute
    if (series.kind !== 'endpoint' || alarmed.has(minute)) continue
    const impact = impactOf(minute)
    if (!(harmedRequests(impact) >= least) || least === 0) continue
    const key = `${series.kind} ${series.name}`
    const before = known.get(key)
    if (before === undefined && known.size >= MAX_BYSTANDERS) continue
    const { alarm } = gateway
    const member: Member = before
      ? { ...before, impact: addImpact(before.impact, impact) }
      : { ...memberOf(minute, { ...alarm, sinceMs: timeMs }, impact), isAlarmed: false }
    known.set(key, member)
    isChanged = true
  }
  return isChanged ? [...known.values()] : members
}
