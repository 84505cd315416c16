import type { ISql, JSONValue, TransactionSql } from 'postgres'
import type { Incident } from '../../models/incidents/incident.js'
import { insertEvent } from './incident-events.js'
import { beginWriting, enter, mirror, rememberEvent, renumber } from './incident-writes.js'
import { findBookIncident, findIncident, type EntryKind, type StoredIncident } from './incidents.js'

const BY_ITSELF = 'Ended by itself.'

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

function hasChanged(before: StoredIncident, { severity, type, endpoints }: Incident): boolean {
  return (
    before.severity !== severity ||
    before.type !== type ||
    before.endpoints[0]?.endpoint !== endpoints[0]?.endpoint
  )
}

function isSame(before: StoredIncident, incident: Incident): boolean {
  const { type, severity, explanation, endpoints, impact, startedMs, endedMs, peak } = incident
  const impactBefore = { ...before.impact, clients: undefined }
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
