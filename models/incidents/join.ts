import { MINUTE_MS } from '../traffic/durations.js'
import type { Member, OpenIncident } from './book-state.js'
import { harmableRequests, HARMS, type Impact } from './impact.js'
import type { Series, SeriesAlarm, SeriesMinute } from './series-minute.js'

/** A minute of a series with an alarm, and what it adds to the impact. */
export interface AlarmedMinute {
  /** See {@link keyOf}. */
  readonly key: string
  readonly minute: SeriesMinute
  readonly alarm: SeriesAlarm
  readonly impact: Impact
}

/** An open incident in the middle of a round: its members by key, in order. */
export interface IncidentDraft extends Omit<OpenIncident, 'members'> {
  readonly members: Map<string, Member>
}

export function keyOf({ kind, name }: Series): string {
  return `${kind} ${name}`
}

/** Alarms whose first abnormal minutes lie this near to each other have one cause. */
export const SAME_ONSET_MS = 5 * MINUTE_MS

/** So do alarms that are raised this near to each other, wherever evidence began to rise by chance. */
const SAME_ALARM_MS = 2 * MINUTE_MS

/** A series explains the deviation of the gateway when at least this share of it is its own. */
const EXPLAINS = 0.3

/** The gateway explains the deviation of an endpoint when it deviates at least so many times as much itself, */
const IS_LIKE_GATEWAY = 0.5

/** and when at least this share of its requests is harmed; of an endpoint less so many standard deviations of a count. */
const MIN_LIKE = 0.02
const CHANCE = 2

/**
 * The open incident that an alarm belongs to; null when it is another one. In this order:
 * - for the gateway: the incident whose endpoints explain most of its deviation, at least {@link EXPLAINS};
 * - for another series: the incident of the gateway, when it explains the gateway's deviation or is explained by it;
 * - the incident that began, or was raised, at about the same time;
 * - an incident of the same type in several endpoints, in whose time it began: few requests show it late.
 *
 * @param round the alarms of this minute: the gateway first, then those that harm most
 */
export function incidentOf(
  alarmed: AlarmedMinute,
  open: readonly IncidentDraft[],
  round: readonly AlarmedMinute[],
): IncidentDraft | null {
  const byShare = alarmed.minute.series.kind === 'gateway' ? explaining : explained
  return byShare(alarmed, open, round) ?? sameOnset(alarmed, open) ?? sameKind(alarmed, open)
}

/** The incident whose endpoints have the largest part in the deviation of the gateway. */
function explaining(
  gateway: AlarmedMinute,
  open: readonly IncidentDraft[],
  round: readonly AlarmedMinute[],
): IncidentDraft | null {
  let best: { readonly incident: IncidentDraft; readonly share: number } | null = null
  for (const incident of open) {
    const own = round.filter(({ key }) => hasMember(incident, key))
    const share = own.reduce((sum, each) => sum + partOf(each.impact, gateway.impact), 0)
    if (share >= EXPLAINS && share > (best?.share ?? 0)) best = { incident, share }
  }
  return best?.incident ?? null
}

/** The incident of the gateway, when the series has a large part in it, or deviates as the rest of the gateway does. */
function explained(
  alarmed: AlarmedMinute,
  open: readonly IncidentDraft[],
  round: readonly AlarmedMinute[],
): IncidentDraft | null {
  const gateway = round.find(({ minute }) => minute.series.kind === 'gateway')
  const incident = gateway && open.find((each) => hasMember(each, gateway.key))
  if (!gateway || !incident) return null
  return isLikeRest(alarmed, gateway, incident, round) || partOf(alarmed.impact, gateway.impact) >= EXPLAINS
    ? incident
    : null
}

/**
 * Whether a series deviates as the gateway does without it and without the member of its incident that is harmed most: then
 * all are affected alike. Few requests may be harmed more than the share of all by chance.
 */
function isLikeRest(
  alarmed: AlarmedMinute,
  gateway: AlarmedMinute,
  incident: IncidentDraft,
  round: readonly AlarmedMinute[],
): boolean {
  const { impact, minute } = alarmed
  // The round is in the order of harm.
  const most = round.find((each) => each !== gateway && each !== alarmed && hasMember(incident, each.key))
  return HARMS.some((harm) => {
    if (!(impact[harm] > 0)) return false
    let harmed = gateway.impact[harm]
    let all = harmableRequests(harm, gateway.minute)
    for (const each of most ? [alarmed, most] : [alarmed]) {
      harmed -= each.impact[harm]
      all -= harmableRequests(harm, each.minute)
    }
    if (!(harmed > 0) || !(all > 0)) return false
    const own = (impact[harm] - CHANCE * Math.sqrt(impact[harm])) / harmableRequests(harm, minute)
    return harmed / all >= Math.max(MIN_LIKE, IS_LIKE_GATEWAY * own)
  })
}

function sameOnset({ alarm, minute }: AlarmedMinute, open: readonly IncidentDraft[]): IncidentDraft | null {
  const away = (incident: IncidentDraft) => Math.abs(incident.startedMs - alarm.sinceMs)
  const isNear = (incident: IncidentDraft) =>
    away(incident) <= SAME_ONSET_MS || minute.timeMs - (incident.openedMs ?? -Infinity) <= SAME_ALARM_MS
  const near = open.filter(isNear)
  return near.length === 0 ? null : near.reduce((a, b) => (away(b) < away(a) ? b : a))
}

/** So many endpoints have an alarm of a type when an incident is one of many endpoints. */
const MANY = 3

function sameKind({ alarm }: AlarmedMinute, open: readonly IncidentDraft[]): IncidentDraft | null {
  const { type, sinceMs } = alarm
  const isSameKind = ({ members, startedMs, lastMs }: IncidentDraft) => {
    if (sinceMs < startedMs - SAME_ONSET_MS || sinceMs > lastMs) return false
    let alike = 0
    for (const { series, isAlarmed, types } of members.values()) {
      if (isAlarmed && series.kind === 'endpoint' && (types[type] ?? 0) > 0) alike++
    }
    return alike >= MANY
  }
  return open.find(isSameKind) ?? null
}

/** The largest part that an impact has in another one, of what harms most there. */
function partOf(own: Impact, whole: Impact): number {
  const most = HARMS.reduce((a, b) => (whole[b] > whole[a] ? b : a))
  return whole[most] > 0 ? own[most] / whole[most] : 0
}

export function hasMember({ members }: Pick<IncidentDraft, 'members'>, key: string): boolean {
  return members.get(key)?.isAlarmed === true
}
