import type { Incident } from '../../models/incidents/incident.js'
import type { Change } from '../detection/change.js'
import type { WatchedGateway } from './gateway.js'
import type { TrueIncident } from './incidents.js'

const MINUTE_MS = 60_000

/** An incident that begins so long after a true one is not of it. */
const AFTER_MINUTES = 10

/** An incident of the book, with the minute in which it was opened. */
export interface FoundIncident {
  readonly incident: Incident
  readonly openedMs: number
}

/** One true incident, and what was found of it. */
export interface ScoredIncident {
  readonly truth: TrueIncident
  /** The incidents that name its endpoint, the first one first. */
  readonly found: readonly FoundIncident[]
  readonly isRightFirst: boolean
  /** Minutes from the end of its first minute to the end of the minute that opened the incident. */
  readonly delayMinutes: number | null
}

export interface ScoredGateway {
  readonly mondayMs: number
  readonly days: number
  readonly incidents: readonly ScoredIncident[]
  /** Incidents of the whole gateway while all of it was down, slow, failing or flooded. */
  readonly outage: readonly FoundIncident[]
  readonly outageTruth: Change
  /** Incidents that are of no true one. */
  readonly falseIncidents: readonly FoundIncident[]
}

/** @param isScan whether the incidents are those of the history */
export function scoreIncidents(
  drawn: WatchedGateway,
  found: readonly FoundIncident[],
  isScan = false,
): ScoredGateway {
  const { mondayMs, gateway, historyMinutes, outage } = drawn
  const used = new Set<FoundIncident>()
  const during = ({ start, end }: Change) =>
    found.filter(({ incident, openedMs }) => {
      const [from, to] = [mondayMs + start * MINUTE_MS, mondayMs + (end + AFTER_MINUTES) * MINUTE_MS]
      return openedMs < to && (incident.endedMs ?? Infinity) > from
    })
  const incidents = (isScan ? drawn.past : drawn.incidents).map((truth): ScoredIncident => {
    const own = during(truth).filter(({ incident }) =>
      incident.endpoints.some(({ endpoint }) => endpoint === truth.endpoint),
    )
    const first = own[0]
    // A second incident of the same event is a false one.
    if (first) used.add(first)
    const startMs = mondayMs + truth.start * MINUTE_MS
    return {
      truth,
      found: own,
      isRightFirst: first?.incident.endpoints[0]?.endpoint === truth.endpoint,
      delayMinutes: first ? Math.max(0, (first.openedMs - startMs) / MINUTE_MS) : null,
    }
  })
  const beginsMs = mondayMs + (outage.start - AFTER_MINUTES) * MINUTE_MS
  const ofOutage = during(outage).filter(({ incident }) => incident.startedMs >= beginsMs)
  const ofWhole = ofOutage.find(({ incident }) => incident.series.kind === 'gateway') ?? ofOutage[0]
  if (ofWhole) used.add(ofWhole)
  return {
    mondayMs,
    days: (isScan ? historyMinutes : gateway.length - historyMinutes) / 1440,
    incidents,
    outage: ofOutage,
    outageTruth: outage,
    falseIncidents: found.filter((each) => !used.has(each)),
  }
}
