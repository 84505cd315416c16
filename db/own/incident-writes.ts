import type { ISql, JSONValue, Sql, TransactionSql } from 'postgres'
import type { Incident } from '../../models/incidents/incident.js'
import { lockInTransaction, LOCKS } from '../lease.js'
import { notify } from '../notifications.js'
import { foreignMarks, insertEvent, statusOf, updateEvent, type EventRow } from './incident-events.js'
import {
  findBookIncident,
  findIncident,
  incidentEntries,
  type EntryKind,
  type IncidentChange,
  type IncidentClient,
  type IncidentSamples,
  type IncidentState,
  type StoredIncident,
} from './incidents.js'

/** Told of each write, when it is committed. */
export const INCIDENTS_CHANNEL = 'aegis_ml_incidents'

/** A timeline takes no more entries than this. */
export const MAX_ENTRIES = 500

/** What was done for an incident of the book. */
export interface WrittenIncident {
  readonly incident: StoredIncident
  /** Null where only its figures changed. */
  readonly kind: EntryKind | null
  /** As it was before; undefined for a new one. */
  readonly before: StoredIncident | undefined
}

/**
 * Writes what the book of the watcher says about its incidents, in the transaction of the round. The same incidents
 * again change nothing.
 */
export async function storeIncidents(
  tx: TransactionSql,
  incidents: readonly Incident[],
): Promise<WrittenIncident[]> {
  if (incidents.length === 0) return []
  await beginWriting(tx)
  const written: WrittenIncident[] = []
  for (const incident of incidents) {
    const before = await findBookIncident(tx, incident.number)
    if (before && isSame(before, incident)) written.push({ incident: before, kind: null, before })
    else written.push(before ? await renew(tx, before, incident) : await open(tx, incident))
  }
  return written
}

async function open(tx: TransactionSql, incident: Incident): Promise<WrittenIncident> {
  const values = { ...valuesOf(tx, incident), book_number: incident.number }
  const ended = incident.endedMs !== null
  const [row] = await tx<[{ id: string }]>`
    insert into aegis_ml_incidents ${tx({ ...values, revision: 0, state: ended ? 'resolved' : 'open' } as never)}
    returning id::text`
  const { severity, type } = incident
  const started = { id: row.id, kind: 'opened', at: new Date(incident.startedMs) } as const
  await enter(tx, { ...started, detail: { severity, type } })
  if (ended) await enter(tx, { id: row.id, kind: 'ended', at: new Date(incident.endedMs) })
  const stored = (await findIncident(tx, row.id))!
  await rememberEvent(tx, row.id, await insertEvent(tx, stored))
  return { incident: stored, kind: 'opened', before: undefined }
}

async function renew(
  tx: TransactionSql,
  before: StoredIncident,
  incident: Incident,
): Promise<WrittenIncident> {
  const { id } = before
  const hasEnded = incident.endedMs !== null && before.endedAt === null
  const goesOn = incident.endedMs === null && before.endedAt !== null && before.resolvedAt === null
  const kind = hasEnded ? 'ended' : goesOn ? 'reopened' : hasChanged(before, incident) ? 'changed' : null
  const state = hasEnded ? 'resolved' : goesOn && before.state === 'resolved' ? 'open' : before.state
  // Whoever resolved an incident that goes on has ended it.
  const ended_at = incident.endedMs === null && !goesOn ? before.endedAt : dateOf(incident.endedMs)
  const clients = before.impact.clients === undefined ? {} : { clients: before.impact.clients }
  const values = { ...valuesOf(tx, incident, clients), state, ended_at }
  await tx`update aegis_ml_incidents set ${tx(values as never)}, updated_at = now() where id = ${id}::bigint`
  const { severity, type, endpoints } = incident
  const detail = { severity, type, endpoint: endpoints[0]?.endpoint ?? null }
  if (kind === null) await renumber(tx, id)
  else await enter(tx, { id, kind, ...(hasEnded && { at: new Date(incident.endedMs!) }), detail })
  const stored = (await findIncident(tx, id))!
  await mirror(tx, stored, state === before.state ? undefined : hasEnded ? BY_ITSELF : null)
  return { incident: stored, kind, before }
}

const BY_ITSELF = 'Ended by itself.'

/** Whether an incident ended without anybody. */
export const isEndedByItself = ({ state, resolvedAt }: StoredIncident) =>
  state === 'resolved' && resolvedAt === null

function hasChanged(before: StoredIncident, { severity, type, endpoints }: Incident): boolean {
  return (
    before.severity !== severity ||
    before.type !== type ||
    before.endpoints[0]?.endpoint !== endpoints[0]?.endpoint
  )
}

function isSame(before: StoredIncident, incident: Incident): boolean {
  const { type, severity, explanation, endpoints, impact, startedMs, endedMs, peak } = incident
  const { clients: _, ...impactBefore } = before.impact
  const of = (value: unknown) => JSON.stringify(sorted(value))
  return (
    of({ type, severity, explanation, endpoints, impact, startedMs, endedMs, peak }) ===
    of({
      ...{ type: before.type, severity: before.severity, explanation: before.explanation },
      ...{ endpoints: before.endpoints, impact: impactBefore, startedMs: before.startedAt.getTime() },
      endedMs: before.endedAt?.getTime() ?? null,
      peak: { severity: before.peak.severity, timeMs: before.peak.at.getTime() },
    })
  )
}

/** With the fields in one order: jsonb has an order of its own. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  )
}

function valuesOf(sql: ISql, incident: Incident, more: object = {}) {
  const { series, type, severity, peak, startedMs, endedMs, explanation, endpoints, impact } = incident
  return {
    ...{ series_kind: series.kind, series_name: series.name, type, severity, explanation },
    ...{ peak_severity: peak.severity, peak_at: new Date(peak.timeMs) },
    ...{ started_at: new Date(startedMs), ended_at: dateOf(endedMs) },
    endpoints: sql.json(endpoints as unknown as JSONValue),
    impact: sql.json({ ...impact, ...more } as unknown as JSONValue),
  }
}

const dateOf = (ms: number | null) => (ms === null ? null : new Date(ms))

/** What is looked up about an incident beside the judging. */
export interface IncidentDetails {
  readonly clients?: readonly IncidentClient[]
  /** How many clients there were. */
  readonly clientCount?: number
  readonly samples?: IncidentSamples
  readonly change?: IncidentChange | null
  readonly recommendation?: JSONValue
}

/** Adds what was looked up about an incident. @returns false when there is no such incident */
export async function describeIncident(sql: Sql, id: string, details: IncidentDetails): Promise<boolean> {
  const { clients, clientCount, samples, change, recommendation } = details
  const json = (value: unknown) => sql.json(value as JSONValue)
  const values = {
    ...(clients && { clients: json(clients) }),
    ...(samples && { samples: json(samples) }),
    ...(change !== undefined && { change: change && json(change) }),
    ...(recommendation !== undefined && { recommendation: recommendation && json(recommendation) }),
    updated_at: new Date(),
  }
  const counted = clientCount === undefined ? {} : { clients: clientCount }
  return sql.begin(async (tx) => {
    await beginWriting(tx)
    await tx`update aegis_ml_incidents set impact = impact || ${tx.json(counted)} where id = ${id}::bigint`
    const { count } = await tx`update aegis_ml_incidents set ${tx(values as never)} where id = ${id}::bigint`
    if (count > 0) await renumber(tx, id)
    return count > 0
  })
}

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
  acknowledge: (incident) => incident.state === 'open' || isEndedByItself(incident),
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
  await setState(tx, before, STATES[mark], author, note)
  const by = author === null ? null : `Marked by ${author}.`
  await mirror(tx, (await findIncident(tx, before.id))!, note ?? by)
  return null
}

async function setState(
  tx: TransactionSql,
  { id, endedAt, acknowledgedAt, acknowledgedBy }: StoredIncident,
  state: Exclude<IncidentState, 'open'>,
  author: string | null,
  note: string | null,
): Promise<void> {
  const now = new Date()
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

/** Somebody took a mark back. An incident that has ended stays ended. */
async function reopen(tx: TransactionSql, { id, state, endedAt }: StoredIncident): Promise<void> {
  if (state !== 'acknowledged' || endedAt !== null) return
  await tx`update aegis_ml_incidents set state = 'open', acknowledged_at = null, acknowledged_by = null,
    updated_at = now() where id = ${id}::bigint`
  await enter(tx, { id, kind: 'reopened' })
}

/** Waits for its turn to write, and tells the listeners when the transaction is committed. */
async function beginWriting(tx: TransactionSql): Promise<void> {
  await lockInTransaction(tx, LOCKS.incidents)
  await notify(tx, INCIDENTS_CHANNEL, '')
}

interface NewEntry {
  readonly id: string
  readonly kind: EntryKind
  readonly at?: Date
  readonly author?: string | null
  readonly note?: string | null
  readonly detail?: object
}

/** Adds a line to the timeline. */
async function enter(tx: TransactionSql, entry: NewEntry): Promise<void> {
  const { id, kind, at = new Date(), author = null, note = null, detail = null } = entry
  await renumber(tx, id)
  await tx`
    insert into aegis_ml_incident_entries (revision, incident_id, at, kind, author, note, detail)
    select revision, id, ${at}, ${kind}, ${author}, ${note}, ${detail && tx.json(detail as JSONValue)}
    from aegis_ml_incidents where id = ${id}::bigint`
}

async function renumber(tx: TransactionSql, id: string): Promise<void> {
  await tx`update aegis_ml_incidents set revision = nextval('aegis_ml_incident_revisions') where id = ${id}::bigint`
}

/** @param notes about a new state; undefined where the state is as it was */
async function mirror(tx: TransactionSql, incident: StoredIncident, notes?: string | null): Promise<void> {
  const [row] = await tx<[{ id: string | null; at: Date | null }]>`
    select event_id as id, event_at as at from aegis_ml_incidents where id = ${incident.id}::bigint`
  const { id, at } = row
  if (id === null || at === null) return
  const written = await updateEvent(tx, { id, at }, incident, notes)
  if (written && notes !== undefined)
    await rememberEvent(tx, incident.id, { id, at, status: statusOf(incident.state) })
}

async function rememberEvent(tx: TransactionSql, id: string, event: EventRow | null): Promise<void> {
  if (event === null) return
  await tx`update aegis_ml_incidents set event_id = ${event.id}, event_at = ${event.at}, event_status = ${event.status}
    where id = ${id}::bigint`
}

/** More incidents than this are not kept: the oldest that have ended are deleted. */
const MAX_INCIDENTS = 50_000

export async function deleteOldIncidents(sql: Sql): Promise<void> {
  await sql`delete from aegis_ml_incidents where ended_at is not null and id in (
    select id from aegis_ml_incidents order by started_at desc, id desc offset ${MAX_INCIDENTS})`
}
