import { MINUTE_MS } from '../traffic/durations.js'
import type { OpenIncident } from './book-state.js'
import { HARMS, harmedShare, type Impact } from './impact.js'
import type { SeriesAlarm, SeriesMinute } from './series-minute.js'

/** A minute of a series with an alarm, and what it adds to the impact. */
export interface AlarmedMinute {
  readonly minute: SeriesMinute
  readonly alarm: SeriesAlarm
  readonly impact: Impact
}

/** Alarms whose first abnormal minutes lie this near to each other have one cause. */
const SAME_ONSET_MS = 5 * MINUTE_MS

/** A series explains the deviation of the gateway when at least this share of it is its own. */
const EXPLAINS = 0.3

/** The gateway explains the deviation of an endpoint when it deviates at least so many times as much itself. */
const IS_LIKE_GATEWAY = 0.5

/**
 * The open incident that an alarm belongs to; null when it is another one. In this order:
 * - for the gateway: the incident whose endpoints explain most of its deviation, at least {@link EXPLAINS};
 * - for another series: the incident of the gateway, when it explains the gateway's deviation or is explained by it;
 * - the incident that began at about the same time.
 *
 * @param round the alarms of this minute
 */
export function incidentOf(
  alarmed: AlarmedMinute,
  open: readonly OpenIncident[],
  round: readonly AlarmedMinute[],
): OpenIncident | null {
  const byShare = alarmed.minute.series.kind === 'gateway' ? explaining : explained
  return byShare(alarmed, open, round) ?? sameOnset(alarmed, open)
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

/** The incident of the gateway, when the series has a large part in it, or deviates as the gateway as a whole does. */
function explained(
  alarmed: AlarmedMinute,
  open: readonly OpenIncident[],
  round: readonly AlarmedMinute[],
): OpenIncident | null {
  const gateway = round.find(({ minute }) => minute.series.kind === 'gateway')
  const incident = gateway && open.find((each) => hasMember(each, gateway.minute))
  if (!gateway || !incident || alarmed.alarm.sinceMs < incident.startedMs - SAME_ONSET_MS) return null
  const isLike = HARMS.some((harm) => {
    const own = harmedShare(harm, alarmed.impact, alarmed.minute)
    return own > 0 && harmedShare(harm, gateway.impact, gateway.minute) >= IS_LIKE_GATEWAY * own
  })
  return isLike || partOf(alarmed.impact, gateway.impact) >= EXPLAINS ? incident : null
}

function sameOnset({ alarm }: AlarmedMinute, open: readonly OpenIncident[]): OpenIncident | null {
  const away = (incident: OpenIncident) => Math.abs(incident.startedMs - alarm.sinceMs)
  const near = open.filter((incident) => away(incident) <= SAME_ONSET_MS)
  return near.length === 0 ? null : near.reduce((a, b) => (away(b) < away(a) ? b : a))
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
