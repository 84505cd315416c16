import type { Sql, TransactionSql } from 'postgres'
import { createFeedback, withdrawFeedbackOf } from './feedback.js'
import { foreignMarks } from './incident-events.js'
import { beginWriting, enter, isEndedByItself, mirror } from './incident-writes.js'
import { findIncident, incidentEntries, type IncidentState, type StoredIncident } from './incidents.js'

/** A timeline takes no more comments when it has so many entries, and no marks at all when it has twice as many. */
export const MAX_ENTRIES = 500

export type Mark = 'acknowledge' | 'resolve' | 'false-positive' | 'comment'

/** A mark, who made it and what was said. */
export interface MadeMark {
  readonly mark: Mark
  readonly author: string | null
  readonly note: string | null
}

/** What became of a mark; `refused` where the incident does not take it. */
export interface Marked {
  readonly incident: StoredIncident
  readonly refused: 'state' | 'entries' | null
}

const STATES = {
  acknowledge: 'acknowledged',
  resolve: 'resolved',
  'false-positive': 'false_positive',
} as const

/** The states from which each mark leads to another one. That an incident ended by itself decides nothing. */
const FROM: Readonly<Record<keyof typeof STATES, (incident: StoredIncident) => boolean>> = {
  acknowledge: (incident) => ['open', 'false_positive'].includes(incident.state) || isEndedByItself(incident),
  resolve: (incident) => ['open', 'acknowledged'].includes(incident.state) || isEndedByItself(incident),
  'false-positive': ({ state }) => state !== 'false_positive',
}

/**
 * Makes a mark, in one transaction with that in anomaly_events. A mark that the incident has already changes nothing; its
 * note, if that is new, is entered as a comment.
 *
 * @returns undefined when there is no such incident
 */
export async function markIncident(sql: Sql, id: string, made: MadeMark): Promise<Marked | undefined> {
  return sql.begin(async (tx): Promise<Marked | undefined> => {
    await beginWriting(tx)
    await takeOver(tx, id)
    const before = await findIncident(tx, id)
    if (before === undefined) return undefined
    const refused = await apply(tx, before, made)
    return { incident: (await findIncident(tx, id))!, refused }
  }) as Promise<Marked | undefined>
}

async function apply(tx: TransactionSql, before: StoredIncident, made: MadeMark): Promise<Marked['refused']> {
  const { mark, author, note } = made
  const entries = await incidentEntries(tx, before.id)
  const isEntered = entries.some((entry) => entry.note === note && entry.author === author)
  const hasState = mark !== 'comment' && before.state === STATES[mark] && !FROM[mark](before)
  if (mark === 'comment' || hasState) {
    if (note === null || isEntered) return null
    if (entries.length >= MAX_ENTRIES) return 'entries'
    await enter(tx, { id: before.id, kind: 'comment', author, note })
    return null
  }
  if (!FROM[mark](before)) return 'state'
  if (entries.length >= 2 * MAX_ENTRIES) return 'entries' // two programs that contradict each other for ever
  await setState(tx, before, STATES[mark], author, note)
  const by = author === null ? null : `Marked by ${author}.`
  await mirror(tx, (await findIncident(tx, before.id))!, note ?? by)
  return null
}

/** A new state. Similar deviations raise no alarm after a false positive, until the incident has another state. */
async function setState(
  tx: TransactionSql,
  before: StoredIncident,
  state: Exclude<IncidentState, 'open'>,
  author: string | null,
  note: string | null,
): Promise<void> {
  const { id, endedAt, acknowledgedAt, acknowledgedBy } = before
  const now = new Date()
  if (before.state === 'false_positive') await withdrawFeedbackOf(tx, id)
  if (state === 'false_positive') await createFeedback(tx, before, author, note)
  const values =
    state === 'acknowledged'
      ? { acknowledged_at: now, acknowledged_by: author, resolved_at: null, resolved_by: null }
      : {
          ended_at: endedAt ?? now,
          ...{ acknowledged_at: acknowledgedAt, acknowledged_by: acknowledgedBy },
          ...{ resolved_at: now, resolved_by: author },
        }
  await tx`update aegis_ml_incidents set ${tx({ state, ...values } as never)}, updated_at = now()
    where id = ${id}::bigint`
  await enter(tx, { id, kind: state, author, note })
}

/**
 * Takes over the marks that others made in anomaly_events.
 * @param id of one incident; null: of all that are open or ended lately
 * @returns how many there were
 */
export async function takeOverMarks(sql: Sql, id: string | null): Promise<number> {
  if ((await foreignMarks(sql, id)).length === 0) return 0
  return sql.begin(async (tx) => {
    await beginWriting(tx)
    return takeOver(tx, id)
  })
}

async function takeOver(tx: TransactionSql, id: string | null): Promise<number> {
  const marks = await foreignMarks(tx, id)
  for (const { incidentId, status, author, note } of marks) {
    const incident = (await findIncident(tx, incidentId))!
    await tx`update aegis_ml_incidents set event_status = ${status} where id = ${incidentId}::bigint`
    if (status === 'active') await reopen(tx, incident)
    else if (status !== incident.state) await setState(tx, incident, status, author, note)
  }
  return marks.length
}

/** Somebody took a mark back. An incident that has ended stays ended, as if it had ended by itself. */
async function reopen(tx: TransactionSql, { id, state, endedAt }: StoredIncident): Promise<void> {
  if (state === 'false_positive') await withdrawFeedbackOf(tx, id)
  else if (state !== 'acknowledged' || endedAt !== null) return
  await tx`update aegis_ml_incidents set state = ${endedAt === null ? 'open' : 'resolved'}, acknowledged_at = null,
    acknowledged_by = null, resolved_at = null, resolved_by = null, updated_at = now() where id = ${id}::bigint`
  await enter(tx, { id, kind: 'reopened' })
}
