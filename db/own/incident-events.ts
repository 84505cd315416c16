import type { ISql, Sql, TransactionSql } from 'postgres'
import { isRowRefused, isTableUnusable } from '../errors.js'
import { tableShape } from '../table-columns.js'
import type { IncidentState, StoredIncident } from './incidents.js'

// Each incident has a row in the gateway's own table anomaly_events, whose life cycle the gateway's dashboards know.
// That table may have other columns, or take no rows: an incident is then without one.

/** A row of anomaly_events. */
export interface EventRow {
  readonly id: string
  readonly at: Date
  readonly status: EventStatus
}

export type EventStatus = 'active' | 'acknowledged' | 'resolved' | 'false_positive'

/** An alarm that lasts is certain; see `confidenceOf` in models/anomaly/verdict.ts. */
const CONFIDENCE = 0.9

export const statusOf = (state: IncidentState): EventStatus => (state === 'open' ? 'active' : state)

/** Adds the row of an incident; null where the table does not take it. */
export async function insertEvent(tx: TransactionSql, incident: StoredIncident): Promise<EventRow | null> {
  const at = incident.startedAt
  const values = {
    detected_at: at,
    ...figuresOf(tx, incident),
    ...marksOf(incident, null),
    confidence: CONFIDENCE,
    created_at: new Date(),
  }
  const id = await attempt(tx, async (part) => {
    const { columns } = await tableShape(part, 'anomaly_events')
    const known = Object.fromEntries(Object.entries(values).filter(([name]) => columns.has(name)))
    const [row] = await part<[{ id: string }]>`
      insert into anomaly_events ${part(known as never)} returning id::text`
    return row.id
  })
  return id === undefined ? null : { id, at, status: statusOf(incident.state) }
}

/**
 * Writes what has become of an incident into its row.
 * @param notes about a new state; undefined where the state is as it was
 * @returns false where the row is gone, or cannot be written
 */
export async function updateEvent(
  tx: TransactionSql,
  { id, at }: Pick<EventRow, 'id' | 'at'>,
  incident: StoredIncident,
  notes: string | null | undefined,
): Promise<boolean> {
  const marks = notes === undefined ? {} : marksOf(incident, notes)
  const values = { ...figuresOf(tx, incident), ...marks }
  const changed = await attempt(tx, async (part) => {
    const { columns } = await tableShape(part, 'anomaly_events')
    const known = Object.fromEntries(Object.entries(values).filter(([name]) => columns.has(name)))
    const { count } = await part`
      update anomaly_events set ${part(known as never)} where detected_at = ${at} and id::text = ${id}`
    return count > 0
  })
  return changed ?? false
}

function figuresOf(
  sql: ISql,
  { id, type, severity, explanation, impact, series, endpoints }: StoredIncident,
) {
  const shares = endpoints.map(({ endpoint, share }) => ({ endpoint, share }))
  return {
    ...{ anomaly_type: type, severity, explanation },
    metrics: sql.json({ ...impact, clients: impact.clients ?? null }),
    features: sql.json({ incident_id: id, series: series.kind, name: series.name, endpoints: shares }),
  }
}

function marksOf(incident: StoredIncident, notes: string | null) {
  const { state, acknowledgedAt, acknowledgedBy, resolvedAt, endedAt } = incident
  return {
    status: statusOf(state),
    acknowledged_at: acknowledgedAt,
    acknowledged_by: acknowledgedBy,
    resolved_at: state === 'resolved' ? (resolvedAt ?? endedAt) : null,
    resolution_notes: notes,
  }
}

/** Does some work; undefined where the gateway's table is in the way. The transaction goes on. */
async function attempt<T>(tx: TransactionSql, work: (part: TransactionSql) => Promise<T>) {
  try {
    return (await tx.savepoint(work)) as T
  } catch (error) {
    if (isTableUnusable(error) || isRowRefused(error)) return undefined
    throw error
  }
}

/** A mark that somebody else made in anomaly_events. */
export interface ForeignMark {
  readonly incidentId: string
  readonly status: EventStatus
  readonly author: string | null
  readonly note: string | null
}

/** How long after its end an incident is still looked up there: whoever reads it later looks it up by its id. */
const LOOKED_UP = '14 days'

/**
 * The marks in anomaly_events that the incidents do not have yet.
 * @param id of one incident; null: of all that are open or ended lately
 */
export async function foreignMarks(sql: Sql | TransactionSql, id: string | null): Promise<ForeignMark[]> {
  try {
    // An error ends a transaction, unless it is in a savepoint.
    return 'savepoint' in sql ? await sql.savepoint((part) => readMarks(part, id)) : await readMarks(sql, id)
  } catch (error) {
    if (isTableUnusable(error)) return []
    throw error
  }
}

async function readMarks(sql: ISql, id: string | null): Promise<ForeignMark[]> {
  const { columns } = await tableShape(sql, 'anomaly_events')
  const optional = (name: string) => (columns.has(name) ? sql`${sql(name)}::text` : sql`null::text`)
  const which =
    id === null
      ? sql`(ended_at is null or ended_at > now() - ${LOOKED_UP}::interval)`
      : sql`incidents.id = ${id}::bigint`
  return sql<ForeignMark[]>`
    select incidents.id::text as "incidentId", status::text,
      case when status::text = 'acknowledged' then ${optional('acknowledged_by')} end as author,
      case when status::text in ('resolved', 'false_positive') then ${optional('resolution_notes')} end as note
    from (select id, event_id, event_at, event_status, ended_at from aegis_ml_incidents
      where event_id is not null) incidents
    join anomaly_events events on detected_at = event_at and events.id::text = event_id
    where ${which} and status::text is distinct from event_status
      and status::text in ('active', 'acknowledged', 'resolved', 'false_positive')
    order by incidents.id limit 1000`
}
