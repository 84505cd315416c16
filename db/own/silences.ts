import type { ISql, Sql } from 'postgres'
import type { AnomalyType } from '../../models/anomaly/verdict.js'
import type { Silence } from '../../models/incidents/silence.js'

/** What people say about a silence. */
export interface NewSilence extends Silence {
  readonly reason: string
  readonly createdBy: string | null
}

export interface StoredSilence extends NewSilence {
  readonly id: string
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** More silences are not taken. */
export const MAX_SILENCES = 1_000

interface Row {
  readonly id: string
  readonly source: string | null
  readonly endpoint: string | null
  readonly type: AnomalyType | null
  readonly fromAt: Date
  readonly toAt: Date | null
  readonly days: readonly number[] | null
  readonly startMinute: number | null
  readonly endMinute: number | null
  readonly reason: string
  readonly createdBy: string | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

const columns = (sql: ISql) => sql`
  id::text, source, endpoint, type, from_at as "fromAt", to_at as "toAt", to_jsonb(days) as days,
  start_minute as "startMinute", end_minute as "endMinute", reason, created_by as "createdBy",
  created_at as "createdAt", updated_at as "updatedAt"`

function fromRow(row: Row): StoredSilence {
  const { id, source, endpoint, type, fromAt, toAt, days, startMinute, endMinute } = row
  const { reason, createdBy, createdAt, updatedAt } = row
  const recurs = days !== null && startMinute !== null && endMinute !== null
  return {
    ...{ id, source, endpoint, type, reason, createdBy, createdAt, updatedAt },
    fromMs: fromAt.getTime(),
    toMs: toAt?.getTime() ?? null,
    recurring: recurs ? { days, startMinute, endMinute } : null,
  }
}

function valuesOf({ source, endpoint, type, fromMs, toMs, recurring, reason, createdBy }: NewSilence) {
  return {
    ...{ source, endpoint, type, reason, created_by: createdBy },
    from_at: new Date(fromMs),
    to_at: toMs === null ? null : new Date(toMs),
    days: recurring && `{${recurring.days.join(',')}}`,
    start_minute: recurring && recurring.startMinute,
    end_minute: recurring && recurring.endMinute,
  }
}

/** All silences, the newest first. */
export async function listSilences(sql: ISql): Promise<StoredSilence[]> {
  const rows = await sql<Row[]>`
    select ${columns(sql)} from aegis_ml_silences order by aegis_ml_silences.id desc limit ${MAX_SILENCES}`
  return rows.map(fromRow)
}

export async function findSilence(sql: ISql, id: string): Promise<StoredSilence | undefined> {
  const [row] = await sql<Row[]>`select ${columns(sql)} from aegis_ml_silences where id = ${id}::bigint`
  return row && fromRow(row)
}

/** @returns undefined when there are as many silences as are kept */
export async function insertSilence(sql: Sql, silence: NewSilence): Promise<StoredSilence | undefined> {
  return sql.begin(async (tx) => {
    await tx`lock table aegis_ml_silences in share row exclusive mode` // who counts, counts those of others too
    const [{ count }] = await tx<[{ count: number }]>`select count(*)::int as count from aegis_ml_silences`
    if (count >= MAX_SILENCES) return undefined
    const [row] = await tx<[Row]>`
      insert into aegis_ml_silences ${tx([valuesOf(silence)] as never)}
      returning ${columns(tx)}`
    return fromRow(row)
  }) as Promise<StoredSilence | undefined>
}

/** @returns undefined when there is no such silence */
export async function replaceSilence(
  sql: ISql,
  id: string,
  silence: NewSilence,
): Promise<StoredSilence | undefined> {
  const values = valuesOf(silence)
  const [row] = await sql<Row[]>`
    update aegis_ml_silences set ${sql(values as never)}, updated_at = now() where id = ${id}::bigint
    returning ${columns(sql)}`
  return row && fromRow(row)
}

/** @returns false when there is no such silence */
export async function deleteSilence(sql: ISql, id: string): Promise<boolean> {
  const { count } = await sql`delete from aegis_ml_silences where id = ${id}::bigint`
  return count > 0
}

/** Deletes silences that have ended before a time. */
export async function deleteOldSilences(sql: Sql, before: Date): Promise<void> {
  await sql`delete from aegis_ml_silences where to_at < ${before}`
}
