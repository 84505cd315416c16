import type { JSONValue, Sql, TransactionSql } from 'postgres'
import { lockInTransaction, LOCKS } from '../lease.js'
import { notify } from '../notifications.js'
import { statusOf, updateEvent, type EventRow } from './incident-events.js'
import type { IncidentLimits, IncidentRecommendation } from '../../models/incidents/incident-limit.js'
import type {
  EntryKind,
  IncidentChange,
  IncidentClient,
  IncidentSamples,
  StoredIncident,
} from './incidents.js'

// What every write of incidents consists of. incident-book.ts has those of the watcher, incident-marks.ts those of people.

/** Told of each write, when it is committed. */
export const INCIDENTS_CHANNEL = 'aegis_ml_incidents'

/** Waits for its turn to write, and tells the listeners when the transaction is committed. */
export async function beginWriting(tx: TransactionSql): Promise<void> {
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
export async function enter(tx: TransactionSql, entry: NewEntry): Promise<void> {
  const { id, kind, at = new Date(), author = null, note = null, detail = null } = entry
  await renumber(tx, id)
  await tx`
    insert into aegis_ml_incident_entries (revision, incident_id, at, kind, author, note, detail)
    select revision, id, ${at}, ${kind}, ${author}, ${note}, ${detail && tx.json(detail as JSONValue)}
    from aegis_ml_incidents where id = ${id}::bigint`
}

/** Gives an incident the next revision. */
export async function renumber(tx: TransactionSql, id: string): Promise<void> {
  await tx`update aegis_ml_incidents set revision = nextval('aegis_ml_incident_revisions') where id = ${id}::bigint`
}

/**
 * Writes what has become of an incident into its row of anomaly_events.
 * @param notes about a new state; undefined where the state is as it was
 */
export async function mirror(
  tx: TransactionSql,
  incident: StoredIncident,
  notes?: string | null,
): Promise<void> {
  const [row] = await tx<[{ id: string | null; at: Date | null }]>`
    select event_id as id, event_at as at from aegis_ml_incidents where id = ${incident.id}::bigint`
  const { id, at } = row
  if (id === null || at === null) return
  const written = await updateEvent(tx, { id, at }, incident, notes)
  if (written && notes !== undefined)
    await rememberEvent(tx, incident.id, { id, at, status: statusOf(incident.state) })
}

/** Remembers the row of an incident in anomaly_events. */
export async function rememberEvent(tx: TransactionSql, id: string, event: EventRow | null): Promise<void> {
  if (event === null) return
  await tx`update aegis_ml_incidents set event_id = ${event.id}, event_at = ${event.at}, event_status = ${event.status}
    where id = ${id}::bigint`
}

/** Whether an incident ended without anybody. */
export const isEndedByItself = ({ state, resolvedAt }: StoredIncident) =>
  state === 'resolved' && resolvedAt === null

/** What is looked up about an incident beside the judging. */
export interface IncidentDetails {
  readonly clients?: readonly IncidentClient[]
  /** How many clients there were. */
  readonly clientCount?: number
  readonly samples?: IncidentSamples
  readonly change?: IncidentChange | null
  readonly recommendation?: IncidentRecommendation
  readonly limits?: IncidentLimits
}

/** Adds what was looked up about an incident. @returns false when there is no such incident */
export async function storeIncidentDetails(sql: Sql, id: string, details: IncidentDetails): Promise<boolean> {
  const { clients, clientCount, samples, change, recommendation, limits } = details
  const json = (value: unknown) => sql.json(value as JSONValue)
  const values = {
    ...(clients && { clients: json(clients) }),
    ...(samples && { samples: json(samples) }),
    ...(change !== undefined && { change: change && json(change) }),
    ...(recommendation && { recommendation: json(recommendation) }),
    ...(limits && { limits: json(limits) }),
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

/** More incidents than this are not kept: the oldest that have ended are deleted. */
const MAX_INCIDENTS = 50_000

export async function deleteOldIncidents(sql: Sql): Promise<void> {
  await sql`delete from aegis_ml_incidents where ended_at is not null
    and id not in (select incident_id from aegis_ml_temporary_limits where ended_at is null) and id in (
    select id from aegis_ml_incidents order by started_at desc, id desc offset ${MAX_INCIDENTS})`
}
