import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../../db/log.js'
import { storeIncidentDetails } from '../../db/own/incident-writes.js'
import type { StoredIncident } from '../../db/own/incidents.js'
import type { IncidentLimits } from '../../models/incidents/incident-limit.js'
import { investigate, type InvestigateOptions } from './investigate.js'
import { createIncidentLimitQuestions, type LimitsOptions } from './limits.js'

/** What is found out about incidents, and stored with them. */
export interface Explanations {
  /** Looks up the clients, the failed requests and what changed; then the limit that would have held. */
  investigate(incident: StoredIncident, signal: AbortSignal): Promise<void>
  /**
   * What the limits in force would have done to an incident that has ended: replayed once and stored.
   * @returns null while it goes on, and where it takes too long to wait for: it is there a moment later. While others are
   * replayed, it may have to be asked for again
   */
  limitsOf(incident: StoredIncident, signal: AbortSignal): Promise<IncidentLimits | null>
}

export type ExplanationOptions = InvestigateOptions & LimitsOptions & { readonly log: Pick<Log, 'info'> }

/** How long the answer about an incident waits for a replay. */
const MAX_WAIT_MS = 3_000
/** More replays do not wait for their turn: those who ask are answered without, and the limit against a flood comes soon. */
const MAX_UNDER_WAY = 4

export function createExplanations(options: ExplanationOptions): Explanations {
  const { sql, log } = options
  const questions = createIncidentLimitQuestions(options)
  /** For whom a limit was looked for last, by incident: an incident that goes on is investigated again and again. */
  const tried = new Map<string, string>()
  const underWay = new Map<string, Promise<IncidentLimits | null>>()

  /** The log may be away, or too large: the incident is told without the answer. */
  const orNothing = <T>(question: Promise<T>, id: string): Promise<T | null> =>
    question.catch((error: unknown) => {
      log.info({ err: error, incident: id }, 'the limits of an incident are not known')
      return null
    })
  const replay = async (incident: StoredIncident, signal: AbortSignal): Promise<IncidentLimits | null> => {
    const { id } = incident
    const limits = await orNothing(questions.inForce(incident, signal), id)
    if (limits === null) return null
    await storeIncidentDetails(sql, id, { limits }).catch((error: unknown) => {
      log.info({ err: error, incident: id }, 'the limits of an incident are not stored')
    })
    return limits
  }
  const replayOnce = (incident: StoredIncident, signal: AbortSignal) => {
    const { id } = incident
    const present = underWay.get(id)
    if (present) return present
    const begun = replay(incident, signal).finally(() => underWay.delete(id))
    underWay.set(id, begun)
    return begun
  }
  const isReplayed = ({ series, endedAt, limits }: StoredIncident) =>
    limits !== null || endedAt === null || series.kind === 'source'

  return {
    async investigate(incident, signal) {
      const { id } = incident
      const { details, culprits } = await investigate(options, incident, signal)
      if (Object.keys(details).length > 0) await storeIncidentDetails(sql, id, details)
      const hasEnded = incident.endedAt !== null // the figures are those of all of it then
      const key = JSON.stringify([culprits.toSorted(), hasEnded])
      const isKnown = !hasEnded && isSame(culprits, incident.recommendation?.causedBy)
      if (!isKnown && tried.get(id) !== key) {
        remember(tried, id, key)
        const asked = questions.recommend(incident, culprits, signal)
        asked.catch(() => tried.delete(id)) // it is looked for again
        const recommendation = await orNothing(asked, id)
        if (recommendation !== null) await storeIncidentDetails(sql, id, { recommendation })
      }
      if (!isReplayed(incident)) await replayOnce(incident, signal)
    },
    async limitsOf(incident, signal) {
      if (isReplayed(incident)) return incident.limits
      if (underWay.size >= MAX_UNDER_WAY && !underWay.has(incident.id)) return null
      const stopped = new AbortController()
      const late = delay(MAX_WAIT_MS, null, { signal: stopped.signal, ref: false }).catch(() => null)
      const begun = replayOnce(incident, signal).finally(() => stopped.abort())
      return Promise.race([begun, late])
    },
  }
}

const MAX_TRIED = 1_000

function remember(tried: Map<string, string>, id: string, key: string): void {
  tried.delete(id)
  tried.set(id, key)
  if (tried.size > MAX_TRIED) tried.delete(tried.keys().next().value!)
}

/** Whether the same clients caused it as when the limit was computed. */
function isSame(culprits: readonly string[], before: readonly string[] = []): boolean {
  return culprits.length === before.length && culprits.every((client) => before.includes(client))
}
