import type { JSONValue, Sql, TransactionSql } from 'postgres'
import type { BookState } from '../../models/incidents/book-state.js'
import type { Incident } from '../../models/incidents/incident.js'
import type { Lateness } from '../../models/watch/lateness.js'

/** How far the watcher is. */
export interface WatchProgress {
  /** Every minute before this one is judged. */
  readonly judgedToMs: number
  readonly book: BookState
  readonly lateness: Lateness
  /** The incident of a log that has no rows although it should, until the watcher is past it; null without one. */
  readonly silence: Incident | null
}

/** The states of all series before a minute, in the form of `encodeStates`. */
export interface WatchSnapshot {
  readonly atMs: number
  /** The watch model that they were judged with; null without one. */
  readonly model: string | null
  readonly states: Buffer
}

export async function readWatchProgress(sql: Sql): Promise<WatchProgress | null> {
  const [row] = await sql<
    { judged_to: Date; book: BookState; lateness: Lateness; silence: Incident | null }[]
  >`
    select judged_to, book, lateness, silence from aegis_ml_watch_state`
  if (row === undefined) return null
  return {
    judgedToMs: row.judged_to.getTime(),
    book: row.book,
    lateness: row.lateness,
    silence: row.silence,
  }
}

/** The watch model of the stored states; null without any. The states are large, and are not read. */
export async function readSnapshotModel(sql: Sql): Promise<string | null> {
  const [row] = await sql<{ model: string | null }[]>`
    select watch_model::text as model from aegis_ml_watch_state where states is not null`
  return row?.model ?? null
}

export async function readWatchSnapshot(sql: Sql): Promise<WatchSnapshot | null> {
  const [row] = await sql<{ at: Date | null; model: string | null; states: Buffer | null }[]>`
    select snapshot_at as at, watch_model::text as model, states from aegis_ml_watch_state`
  if (!row?.at || !row.states) return null
  return { atMs: row.at.getTime(), model: row.model, states: row.states }
}

/**
 * Enters that the watcher has come further, in the transaction of a round.
 * @param fromMs how far it was; null where it begins
 * @returns false when another replica has come further meanwhile
 */
export async function writeWatchProgress(
  tx: TransactionSql,
  fromMs: number | null,
  { judgedToMs, book, lateness, silence }: WatchProgress,
): Promise<boolean> {
  const values = {
    judged_to: new Date(judgedToMs),
    book: tx.json(book as unknown as JSONValue),
    lateness: tx.json(lateness as unknown as JSONValue),
    silence: silence && tx.json(silence as unknown as JSONValue),
  }
  const { count } =
    fromMs === null
      ? await tx`insert into aegis_ml_watch_state ${tx(values as never)} on conflict (id) do nothing`
      : await tx`update aegis_ml_watch_state set ${tx(values as never)} where judged_to = ${new Date(fromMs)}`
  return count === 1
}

/** Stores the states of all series, unless another replica has come further meanwhile. */
export async function writeWatchSnapshot(sql: Sql, { atMs, model, states }: WatchSnapshot): Promise<void> {
  await sql`update aegis_ml_watch_state set snapshot_at = ${new Date(atMs)}, watch_model = ${model}::bigint, states = ${states}
    where judged_to = ${new Date(atMs)}`
}
