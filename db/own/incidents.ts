import type { ISql, Sql } from 'postgres'
import type { Incident } from '../../models/incidents/incident.js'
import type { IncidentLimits, IncidentRecommendation } from '../../models/incidents/incident-limit.js'
import type { Series } from '../../models/incidents/series-minute.js'
import type { AnomalyType, Severity } from '../../models/anomaly/verdict.js'

export const INCIDENT_STATES = ['open', 'acknowledged', 'resolved', 'false_positive'] as const
export type IncidentState = (typeof INCIDENT_STATES)[number]

/** A client of the requests of an incident. */
export interface IncidentClient {
  readonly client: string
  readonly requests: number
  /** Of the requests of the incident, 0…1. */
  readonly share: number
}

/** What was changed shortly before an incident began. */
export interface IncidentChange {
  readonly kind: string
  /** ISO-8601. */
  readonly at: string
  readonly detail: string
}

/** A failed request. */
export interface FailedRequest {
  /** ISO-8601. */
  readonly at: string
  readonly method: string | null
  readonly path: string | null
  readonly status: number
  readonly latencyMs: number | null
  readonly client: string | null
}

export interface IncidentSamples {
  readonly first: readonly FailedRequest[]
  readonly last: readonly FailedRequest[]
}

/** An incident as it is stored. */
export interface StoredIncident {
  readonly id: string
  readonly revision: number
  readonly state: IncidentState
  readonly series: Series
  readonly type: AnomalyType
  readonly severity: Severity
  readonly peak: { readonly severity: Severity; readonly at: Date }
  readonly startedAt: Date
  /** Null while it goes on. */
  readonly endedAt: Date | null
  readonly explanation: string
  readonly endpoints: Incident['endpoints']
  readonly clients: readonly IncidentClient[]
  /** `clients` is null where they are not known. */
  readonly impact: Incident['impact'] & { readonly clients?: number | null }
  readonly change: IncidentChange | null
  readonly samples: IncidentSamples | null
  readonly recommendation: IncidentRecommendation | null
  /** Null where nothing was replayed yet. */
  readonly limits: IncidentLimits | null
  readonly acknowledgedAt: Date | null
  readonly acknowledgedBy: string | null
  /** When somebody resolved it, or said that it is none; null where it ended by itself. */
  readonly resolvedAt: Date | null
  readonly resolvedBy: string | null
}

/** A line of the timeline of an incident. */
export interface IncidentEntry {
  readonly at: Date
  readonly kind: EntryKind
  readonly author: string | null
  readonly note: string | null
  readonly detail: Readonly<Record<string, unknown>> | null
}

export const ENTRY_KINDS = [
  'opened',
  'changed',
  'ended',
  'reopened',
  'acknowledged',
  'resolved',
  'false_positive',
  'comment',
  'limit_applied',
  'limit_ended',
] as const
export type EntryKind = (typeof ENTRY_KINDS)[number]

const incidentColumns = (sql: ISql) => sql`
  id::text, revision::float8, state, jsonb_build_object('kind', series_kind, 'name', series_name) as series, type,
  severity, jsonb_build_object('severity', peak_severity, 'at', peak_at) as peak, started_at as "startedAt",
  ended_at as "endedAt", explanation, endpoints, clients, impact, change, samples, recommendation, limits,
  acknowledged_at as "acknowledgedAt", acknowledged_by as "acknowledgedBy", resolved_at as "resolvedAt",
  resolved_by as "resolvedBy"`

type Row = Omit<StoredIncident, 'peak'> & { readonly peak: { severity: Severity; at: string } }

/** JSON has no dates. */
function fromRow({ peak, ...row }: Row): StoredIncident {
  return { ...row, peak: { severity: peak.severity, at: new Date(peak.at) } }
}

/** A place in the list: of the incident that was the last on the page before. */
export interface IncidentPlace {
  readonly startedMs: number
  readonly id: string
}

export interface IncidentFilter {
  /** Those that were going on in the range. */
  readonly from: Date | null
  readonly to: Date | null
  /** Empty: all. */
  readonly states: readonly IncidentState[]
  readonly types: readonly AnomalyType[]
  readonly severities: readonly Severity[]
  /** A source, or the gateway's name, which stands for its endpoints too. */
  readonly source: string | null
  /** Of incidents of the gateway and of its endpoints. */
  readonly gatewayName: string
  /** `GET /orders/{id}`, or `/orders/{id}` for all of its methods. */
  readonly endpoint: string | null
  readonly after: IncidentPlace | null
  readonly limit: number
}

/** Newest first. One more than the limit tells that there is another page. */
export async function findIncidents(sql: Sql, filter: IncidentFilter): Promise<StoredIncident[]> {
  const { from, to, states, types, severities, source, gatewayName, endpoint, after, limit } = filter
  const any = (column: string, values: readonly string[]) =>
    values.length > 0 ? sql`and ${sql(column)} = any(${values as string[]})` : sql``
  const rows = await sql<Row[]>`
    select ${incidentColumns(sql)} from aegis_ml_incidents
    where true ${any('state', states)} ${any('type', types)} ${any('severity', severities)}
      ${from ? sql`and (ended_at is null or ended_at > ${from})` : sql``}
      ${to ? sql`and started_at < ${to}` : sql``}
      ${source === null ? sql`` : sql`and case series_kind when 'source' then series_name else ${gatewayName} end = ${source}`}
      ${endpoint === null ? sql`` : sql`and ${ofEndpoint(sql, endpoint)}`}
      ${after ? sql`and (started_at, id) < (${new Date(after.startedMs)}, ${after.id}::bigint)` : sql``}
    order by started_at desc, aegis_ml_incidents.id desc limit ${limit}`
  return rows.map(fromRow)
}

const ofEndpoint = (sql: Sql, endpoint: string) => sql`(
  series_kind = 'endpoint' and ${endpoint} in (series_name, split_part(series_name, ' ', 2))
  or exists (select from jsonb_array_elements(endpoints) each
    where ${endpoint} in (each->>'endpoint', split_part(each->>'endpoint', ' ', 2))))`

export async function findIncident(sql: ISql, id: string): Promise<StoredIncident | undefined> {
  const [row] = await sql<
    Row[]
  >`select ${incidentColumns(sql)} from aegis_ml_incidents where id = ${id}::bigint`
  return row && fromRow(row)
}

/** The incident of the book of the watcher. */
export async function findBookIncident(sql: ISql, bookNumber: number): Promise<StoredIncident | undefined> {
  const [row] = await sql<Row[]>`
    select ${incidentColumns(sql)} from aegis_ml_incidents where book_number = ${bookNumber}`
  return row && fromRow(row)
}

/** Which of some incidents of the book people have resolved. */
export async function closedNumbers(sql: ISql, numbers: readonly number[]): Promise<ReadonlySet<number>> {
  if (numbers.length === 0) return new Set()
  const rows = await sql<{ number: number }[]>`
    select book_number::float8 as number from aegis_ml_incidents
    where book_number = any (${[...numbers]}::bigint[]) and state = 'resolved' and resolved_at is not null`
  return new Set(rows.map(({ number }) => number))
}

/** The highest number of the book; 0 without incidents. A new book begins after it. */
export async function lastBookNumber(sql: ISql): Promise<number> {
  const [row] = await sql<[{ last: number }]>`
    select coalesce(max(book_number), 0)::float8 as last from aegis_ml_incidents where book_number > 0`
  return row.last
}

/** The most entries of a timeline that are read. */
const MAX_ENTRIES = 1_000

/** The timeline of an incident, in order of time. */
export async function incidentEntries(sql: ISql, id: string): Promise<IncidentEntry[]> {
  const rows = await sql<IncidentEntry[]>`
    select at, kind, author, note, detail from aegis_ml_incident_entries where incident_id = ${id}::bigint
    order by revision limit ${MAX_ENTRIES}`
  return [...rows]
}

/** The incidents that go on, the newest first. */
export async function openIncidents(sql: ISql, limit: number): Promise<StoredIncident[]> {
  const rows = await sql<Row[]>`
    select ${incidentColumns(sql)} from aegis_ml_incidents where ended_at is null
    order by aegis_ml_incidents.id desc limit ${limit}`
  return rows.map(fromRow)
}

/** The ids of the incidents of sources and of the gateway that go on, by source. The newest counts; at most 2,000. */
export async function openSourceIncidents(sql: Sql, gatewayName: string): Promise<Map<string, string>> {
  const rows = await sql<{ source: string; id: string }[]>`
    select case series_kind when 'source' then series_name else ${gatewayName} end as source, id::text from (
      select series_kind, series_name, id from aegis_ml_incidents
      where ended_at is null and series_kind in ('source', 'gateway')
      order by aegis_ml_incidents.id desc limit 2000) newest order by newest.id`
  return new Map(rows.map(({ source, id }) => [source, id]))
}

/** A write of an incident, with the incident as it is now. */
export interface IncidentWrite {
  readonly revision: number
  /** Null where only its figures changed. */
  readonly kind: EntryKind | null
  readonly incident: StoredIncident
}

/** The revision of the last write; 0 before the first. */
export async function lastRevision(sql: ISql): Promise<number> {
  const [row] = await sql<[{ last: number }]>`
    select greatest((select coalesce(max(revision), 0) from aegis_ml_incidents),
      (select coalesce(max(revision), 0) from aegis_ml_incident_entries))::float8 as last`
  return row.last
}

/**
 * The writes after a revision, in the order of their commits. Each entry of a timeline is one. A write without an entry
 * (of new figures) is one until the next write of the incident.
 */
export async function writesAfter(sql: Sql, revision: number, limit: number): Promise<IncidentWrite[]> {
  const rows = await sql<(Row & { writeRevision: number; writeKind: EntryKind | null })[]>`
    select write_revision::float8 as "writeRevision", write_kind as "writeKind", ${incidentColumns(sql)} from (
      (select revision, incident_id, kind from aegis_ml_incident_entries where revision > ${revision}
        order by revision limit ${limit})
      union all
      (select revision, id, null from aegis_ml_incidents incidents where revision > ${revision}
        and not exists (select from aegis_ml_incident_entries entries where entries.revision = incidents.revision)
        order by revision limit ${limit})
    ) writes (write_revision, incident_id, write_kind) join aegis_ml_incidents on id = incident_id
    order by write_revision limit ${limit}`
  return rows.map(({ writeRevision, writeKind, ...row }) => ({
    revision: writeRevision,
    kind: writeKind,
    incident: fromRow(row as unknown as Row),
  }))
}
