import { MINUTE_MS } from '../traffic/durations.js'
import type { OpenIncident } from './book-state.js'
import { harmableRequests, HARMS, type Impact } from './impact.js'
import type { SeriesAlarm, SeriesMinute } from './series-minute.js'

/** A minute of a series with an alarm, and what it adds to the impact. */
export interface AlarmedMinute {
  readonly minute: SeriesMinute
  readonly alarm: SeriesAlarm
  readonly impact: Impact
}

/** Alarms whose first abnormal minutes lie this near to each other have one cause. */
export const SAME_ONSET_MS = 5 * MINUTE_MS

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
 * - the incident that began at about the same time;
 * - an incident of the same type in several endpoints, in whose time it began: few requests show it late.
 *
 * @param round the alarms of this minute
 */
export function incidentOf(
  alarmed: AlarmedMinute,
  open: readonly OpenIncident[],
  round: readonly AlarmedMinute[],
): OpenIncident | null {
  const byShare = alarmed.minute.series.kind === 'gateway' ? explaining : explained
  return byShare(alarmed, open, round) ?? sameOnset(alarmed, open) ?? sameKind(alarmed, open)
}

/** The incident whose endpoints have the largest part in the deviation of the gateway. */
function explaining(
  gateway: AlarmedMinute,
  open: readonly OpenIncident[],
  round: readonly AlarmedMinute[],
): OpenIncident | null {
  let best: { readonly incident: OpenIncident; readonly share: number } | null = null
  for (const incident of open) {
    const own = round.filter(({ minute }) => hasMember(incident, minute))
    const share = own.reduce((sum, each) => sum + partOf(each.impact, gateway.impact), 0)
    if (share >= EXPLAINS && share > (best?.share ?? 0)) best = { incident, share }
  }
  return best?.incident ?? null
}

/** The incident of the gateway, when the series has a large part in it, or deviates as the rest of the gateway does. */
function explained(
  alarmed: AlarmedMinute,
  open: readonly OpenIncident[],
  round: readonly AlarmedMinute[],
): OpenIncident | null {
  const gateway = round.find(({ minute }) => minute.series.kind === 'gateway')
  const incident = gateway && open.find((each) => hasMember(each, gateway.minute))
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
  incident: OpenIncident,
  round: readonly AlarmedMinute[],
): boolean {
  const { impact, minute } = alarmed
  const members = round.filter(
    (each) => each !== gateway && each !== alarmed && hasMember(incident, each.minute),
  )
  return HARMS.some((harm) => {
    if (!(impact[harm] > 0)) return false
    const most = members.toSorted((a, b) => b.impact[harm] - a.impact[harm]).slice(0, 1)
    let harmed = gateway.impact[harm]
    let all = harmableRequests(harm, gateway.minute)
    for (const each of [alarmed, ...most]) {
      harmed -= each.impact[harm]
      all -= harmableRequests(harm, each.minute)
    }
    if (!(harmed > 0) || !(all > 0)) return false
    const own = (impact[harm] - CHANCE * Math.sqrt(impact[harm])) / harmableRequests(harm, minute)
    return harmed / all >= Math.max(MIN_LIKE, IS_LIKE_GATEWAY * own)
  })
}

function sameOnset({ alarm }: AlarmedMinute, open: readonly OpenIncident[]): OpenIncident | null {
  const away = (incident: OpenIncident) => Math.abs(incident.startedMs - alarm.sinceMs)
  const near = open.filter((incident) => away(incident) <= SAME_ONSET_MS)
  return near.length === 0 ? null : near.reduce((a, b) => (away(b) < away(a) ? b : a))
}

/** So many endpoints have an alarm of a type when an incident is one of many endpoints. */
const MANY = 3

function sameKind({ alarm }: AlarmedMinute, open: readonly OpenIncident[]): OpenIncident | null {
  const { type, sinceMs } = alarm
  const isSameKind = ({ members, startedMs, lastMs }: OpenIncident) => {
    const alike = members.filter(
      ({ series, isAlarmed, types }) => isAlarmed && series.kind === 'endpoint' && (types[type] ?? 0) > 0,
    )
    const isWithin = sinceMs >= startedMs - SAME_ONSET_MS && sinceMs <= lastMs
    return isWithin && alike.length >= MANY
  }
  return open.find(isSameKind) ?? null
}

/** The largest part that an impact has in another one, of what harms most there. */
function partOf(own: Impact, whole: Impact): number {
  const most = HARMS.reduce((a, b) => (whole[b] > whole[a] ? b : a))
  return whole[most] > 0 ? own[most] / whole[most] : 0
}

export function hasMember({ members }: OpenIncident, { series }: SeriesMinute): boolean {
  return members.some(
    (member) => member.isAlarmed && member.series.kind === series.kind && member.series.name === series.name,
  )
}
