import type { ISql, JSONValue, Sql, TransactionSql } from 'postgres'
import type { AnomalyType } from '../../models/anomaly/verdict.js'
import { FEEDBACK_DAYS, type Deviation, type Feedback } from '../../models/incidents/feedback.js'
import type { Series } from '../../models/incidents/series-minute.js'
import { DAY_MS } from '../../models/traffic/durations.js'
import { incidentDeviations } from './incident-deviations.js'
import type { StoredIncident } from './incidents.js'

/** So much feedback applies at a time. Of more, the oldest is replaced. */
export const MAX_ACTIVE_FEEDBACK = 1_000

/** Why feedback ended before its time. */
export type Withdrawal = 'deleted' | 'mark_taken_back' | 'replaced'

/** Feedback as it is stored. */
export interface StoredFeedback {
  readonly id: string
  readonly incidentId: string
  /** Of the incident. */
  readonly series: Series
  readonly type: AnomalyType
  readonly bookNumber: number | null
  /** When the incident was. */
  readonly startedAt: Date
  readonly endedAt: Date
  readonly deviations: readonly Deviation[]
  readonly author: string | null
  readonly note: string | null
  readonly createdAt: Date
  readonly expiresAt: Date
  /** Null unless it ended before its time. */
  readonly withdrawnAt: Date | null
  readonly withdrawnWhy: Withdrawal | null
}

const feedbackColumns = (sql: ISql) => sql`
  feedback.id::text, incident_id::text as "incidentId",
  jsonb_build_object('kind', series_kind, 'name', series_name) as series, type, book_number::float8 as "bookNumber",
  feedback.started_at as "startedAt", feedback.ended_at as "endedAt", deviations, author, note,
  feedback.created_at as "createdAt", expires_at as "expiresAt", withdrawn_at as "withdrawnAt",
  withdrawn_why as "withdrawnWhy"`

const fromFeedback = (sql: ISql) =>
  sql`from aegis_ml_feedback feedback join aegis_ml_incidents incidents on incidents.id = incident_id`

const isActive = (sql: ISql) => sql`(withdrawn_at is null and expires_at > now())`

/** The feedback of an incident that was none, in the transaction of the mark. */
export async function createFeedback(
  tx: TransactionSql,
  incident: StoredIncident,
  author: string | null,
  note: string | null,
): Promise<void> {
  const now = new Date()
  const { id, startedAt, endedAt } = incident
  const deviations = await incidentDeviations(tx, incident, now)
  await tx`
    update aegis_ml_feedback set withdrawn_at = ${now}, withdrawn_why = 'replaced' where id in (
      select id from aegis_ml_feedback where ${isActive(tx)}
      order by id desc offset ${MAX_ACTIVE_FEEDBACK - 1})`
  const values = {
    ...{ incident_id: id, started_at: startedAt, ended_at: endedAt ?? now, author, note, created_at: now },
    expires_at: new Date(now.getTime() + FEEDBACK_DAYS * DAY_MS),
    deviations: tx.json(deviations as unknown as JSONValue),
  }
  await tx`insert into aegis_ml_feedback ${tx(values as never)}`
}

/** Ends the feedback of an incident whose mark was taken back. */
export async function withdrawFeedbackOf(tx: TransactionSql, incidentId: string): Promise<void> {
  await tx`update aegis_ml_feedback set withdrawn_at = ${new Date()}, withdrawn_why = 'mark_taken_back'
    where incident_id = ${incidentId}::bigint and ${isActive(tx)}`
}

/** Ends feedback. What has ended already stays as it is. @returns undefined when there is no such feedback */
export async function withdrawFeedback(sql: Sql, id: string): Promise<StoredFeedback | undefined> {
  await sql`update aegis_ml_feedback set withdrawn_at = ${new Date()}, withdrawn_why = 'deleted'
    where id = ${id}::bigint and ${isActive(sql)}`
  return findFeedback(sql, id)
}

export async function findFeedback(sql: ISql, id: string): Promise<StoredFeedback | undefined> {
  const [row] = await sql<StoredFeedback[]>`
    select ${feedbackColumns(sql)} ${fromFeedback(sql)} where feedback.id = ${id}::bigint`
  return row
}

export interface FeedbackFilter {
  /** Null: all. */
  readonly isActive: boolean | null
  readonly incidentId: string | null
  readonly limit: number
  readonly offset: number
}

/** Newest first, with the number of all that match. */
export async function listFeedback(
  sql: Sql,
  filter: FeedbackFilter,
): Promise<{ readonly feedback: StoredFeedback[]; readonly total: number }> {
  const { incidentId, limit, offset } = filter
  const which = sql`
    ${filter.isActive === null ? sql`true` : sql`${isActive(sql)} = ${filter.isActive}`}
    ${incidentId === null ? sql`` : sql`and incident_id = ${incidentId}::bigint`}`
  const [counted] = await sql<[{ total: number }]>`
    select count(*)::int as total from aegis_ml_feedback where ${which}`
  const feedback = await sql<StoredFeedback[]>`
    select ${feedbackColumns(sql)} ${fromFeedback(sql)} where ${which}
    order by feedback.id desc limit ${limit} offset ${offset}`
  return { feedback: [...feedback], total: counted.total }
}

/** The feedback that applies to minutes from a time on, the oldest first: also what has ended since then. */
export async function feedbackSince(sql: ISql, since: Date): Promise<StoredFeedback[]> {
  return sql<StoredFeedback[]>`
    select ${feedbackColumns(sql)} ${fromFeedback(sql)}
    where expires_at > ${since} and (withdrawn_at is null or withdrawn_at > ${since})
    order by feedback.id`
}

/** Stored feedback as minutes are compared with it. */
export function toFeedback(stored: StoredFeedback): Feedback {
  const { startedAt, endedAt, createdAt, expiresAt, withdrawnAt, deviations, bookNumber } = stored
  return {
    startedMs: startedAt.getTime(),
    endedMs: endedAt.getTime(),
    fromMs: createdAt.getTime(),
    toMs: Math.min(expiresAt.getTime(), withdrawnAt?.getTime() ?? Infinity),
    ...{ deviations, bookNumber },
  }
}

/** Feedback that has ended is kept for so long; the newest of it only. */
const MAX_ENDED = 10_000
const KEPT = '30 days'

export async function deleteOldFeedback(sql: Sql): Promise<void> {
  await sql`delete from aegis_ml_feedback
    where least(expires_at, withdrawn_at) < now() - ${KEPT}::interval or id in (
      select id from aegis_ml_feedback where not ${isActive(sql)} order by id desc offset ${MAX_ENDED})`
}
