import type { ISql, JSONValue, Sql, TransactionSql } from 'postgres'
import { lockInTransaction, LOCKS } from '../lease.js'

// Whoever writes several rows takes the lock of notifications first: nobody waits for somebody who waits.

export const NOTIFICATION_STATES = [
  'pending',
  'active',
  'delivered',
  'failed',
  'dropped',
  'silenced',
] as const
export type NotificationState = (typeof NOTIFICATION_STATES)[number]
export type QueuedEvent = 'started' | 'changed' | 'ended'

/** What the last notifications of an incident to a receiver were. */
export interface Told {
  readonly channel: string
  /** The last one. */
  readonly latest: QueuedEvent
  /** The last one that was not silenced; null without one. */
  readonly told: QueuedEvent | null
}

export interface NewNotification {
  readonly messageId: string
  readonly channel: string
  readonly incidentId: string
  readonly event: QueuedEvent
  readonly payload: object
  readonly state: 'pending' | 'silenced'
}

/** A row that a sender has taken. */
export interface TakenNotification {
  readonly id: string
  readonly messageId: string
  readonly incidentId: string
  readonly event: QueuedEvent
  readonly payload: unknown
  readonly state: 'pending' | 'active'
  /** With this one. */
  readonly attempts: number
  readonly createdAt: Date
}

/** A row, as people see it. */
export interface StoredNotification {
  readonly id: string
  readonly messageId: string
  readonly channel: string
  readonly incidentId: string
  readonly event: QueuedEvent
  readonly state: NotificationState
  readonly attempts: number
  readonly createdAt: Date
  readonly dueAt: Date | null
  readonly deliveredAt: Date | null
  readonly error: string | null
}

/** What each receiver was told of an incident. */
export async function toldOf(sql: ISql, incidentId: string): Promise<Told[]> {
  return [
    ...(await sql<Told[]>`
      select channel, (array_agg(event order by id desc))[1] as latest,
        (array_agg(event order by id desc) filter (where state <> 'silenced'))[1] as told
      from aegis_ml_notifications where incident_id = ${incidentId}::bigint group by channel`),
  ]
}

/** Queues notifications. Beyond `maxPending`, the oldest of the same receiver are dropped. @returns how many were dropped */
export async function insertNotifications(
  sql: TransactionSql,
  rows: readonly NewNotification[],
  maxPending: number,
): Promise<number> {
  await lockInTransaction(sql, LOCKS.notifications)
  let dropped = 0
  for (const { messageId, channel, incidentId, event, payload, state } of rows) {
    await sql`update aegis_ml_notifications set is_latest = false
      where incident_id = ${incidentId}::bigint and channel = ${channel} and is_latest`
    if (event === 'ended' && state === 'pending') await stopRepeating(sql, incidentId, channel, null)
    await sql`
      insert into aegis_ml_notifications (message_id, channel, incident_id, event, payload, state, due_at)
      values (${messageId}, ${channel}, ${incidentId}::bigint, ${event}, ${sql.json(payload as JSONValue)}, ${state},
        case when ${state} = 'pending' then now() end)`
    const { count } = await sql`
      update aegis_ml_notifications set state = 'dropped', due_at = null, error = 'too many are waiting'
      where id in (select id from aegis_ml_notifications
        where channel = ${channel} and due_at is not null and state = 'pending'
        order by id desc offset ${maxPending})`
    dropped += count
  }
  return dropped
}

/**
 * Takes rows of a receiver that are due; other replicas leave them alone for the time of the claim. Of an incident, the
 * oldest comes first, and one at a time; nothing is repeated while something newer is due.
 */
export async function takeNotifications(
  sql: Sql,
  channel: string,
  limit: number,
  claimSeconds: number,
): Promise<TakenNotification[]> {
  return sql.begin(async (tx) => {
    await lockInTransaction(tx, LOCKS.notifications)
    const rows = await tx<TakenNotification[]>`
      update aegis_ml_notifications set claimed_until = now() + ${claimSeconds} * interval '1 second',
        attempts = attempts + (state = 'pending')::int
      where id in (
        select id from aegis_ml_notifications each
        where channel = ${channel} and due_at <= now() and coalesce(claimed_until <= now(), true)
          and not exists (select from aegis_ml_notifications earlier
            where earlier.incident_id = each.incident_id and earlier.channel = ${channel} and earlier.id < each.id
              and (earlier.state = 'pending' or earlier.claimed_until > now()))
          and (state = 'pending' or not exists (select from aegis_ml_notifications later
            where later.incident_id = each.incident_id and later.channel = ${channel} and later.id > each.id
              and later.state = 'pending' and (later.due_at <= now() or later.claimed_until > now())))
        order by due_at, id limit ${limit} for update skip locked)
      returning id::text, message_id as "messageId", incident_id::text as "incidentId", event, payload, state, attempts,
        created_at as "createdAt"`
    return [...rows]
  }) as Promise<TakenNotification[]>
}

/** Earlier notifications of an incident that a receiver may have got, the newest first. */
export async function earlierPayloads(
  sql: Sql,
  { id, incidentId }: Pick<TakenNotification, 'id' | 'incidentId'>,
  channel: string,
  limit: number,
): Promise<unknown[]> {
  const rows = await sql<{ payload: unknown }[]>`
    select payload from aegis_ml_notifications
    where incident_id = ${incidentId}::bigint and channel = ${channel} and id < ${id}::bigint and attempts > 0
    order by id desc limit ${limit}`
  return rows.map(({ payload }) => payload)
}

/**
 * Says that a notification has arrived. Those before it of the same incident are not repeated any more.
 *
 * @param repeatSeconds when it is sent again; null for never
 * @param isBack whether the receiver was away: what waits for it is tried at once
 */
export async function markDelivered(
  sql: Sql,
  { id, incidentId }: Pick<TakenNotification, 'id' | 'incidentId'>,
  channel: string,
  { repeatSeconds, isBack }: { readonly repeatSeconds: number | null; readonly isBack: boolean },
): Promise<void> {
  await sql.begin(async (tx) => {
    await lockInTransaction(tx, LOCKS.notifications)
    await stopRepeating(tx, incidentId, channel, id)
    // In one statement: a second update of a row in a transaction checks its incident, which a round may have locked.
    const next = repeatSeconds === null ? 'delivered' : 'active'
    await tx`
      update aegis_ml_notifications set claimed_until = null, error = null,
        delivered_at = coalesce(delivered_at, now()),
        due_at = case when state in ('pending', 'active') then now() + ${repeatSeconds}::float8 * interval '1 second' end,
        state = case when state in ('pending', 'active') then ${next} else state end
      where id = ${id}::bigint`
    if (!isBack) return
    await tx`update aegis_ml_notifications set due_at = now()
      where channel = ${channel} and state = 'pending' and due_at > now() and attempts > 0 and claimed_until is null
        and id <> ${id}::bigint`
  })
}

/** Repeats no notification of an incident any more, but one. */
async function stopRepeating(sql: ISql, incidentId: string, channel: string, except: string | null) {
  await sql`update aegis_ml_notifications set state = 'delivered', due_at = null
    where incident_id = ${incidentId}::bigint and channel = ${channel} and state = 'active'
      and id is distinct from ${except}::bigint`
}

/** @param retrySeconds when it is tried again; null for never */
export async function markFailed(
  sql: Sql,
  { id }: Pick<TakenNotification, 'id'>,
  error: string,
  retrySeconds: number | null,
): Promise<void> {
  await sql`
    update aegis_ml_notifications set error = ${error},
      state = case when ${retrySeconds === null} then 'failed' else state end,
      due_at = now() + ${retrySeconds}::float8 * interval '1 second'
    where id = ${id}::bigint and state in ('pending', 'active')`
  await giveBack(sql, { id })
}

/** Gives back a row that was taken, as it is. */
export async function giveBack(sql: ISql, { id }: Pick<TakenNotification, 'id'>): Promise<void> {
  await sql`update aegis_ml_notifications set claimed_until = null where id = ${id}::bigint`
}

/**
 * Incidents of which somebody was told, or would have been without a silence, and that may need another notification: they
 * have ended, or are silenced. Those that have ended come first: they wait for nothing.
 */
export async function unfinishedIncidents(
  sql: ISql,
  channels: readonly string[],
  limit: number,
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select incidents.id::text as id
    from aegis_ml_notifications notifications join aegis_ml_incidents incidents on incidents.id = incident_id
    where is_latest and event <> 'ended' and channel = any(${channels as string[]})
      and (ended_at is not null or notifications.state = 'silenced')
    group by incidents.id order by ended_at nulls last, incidents.id limit ${limit}`
  return rows.map(({ id }) => id)
}

/** Whether a receiver has rows that may be due. */
export async function hasDue(sql: Sql, channel: string): Promise<boolean> {
  const [row] = await sql<[{ found: boolean }]>`
    select exists (select from aegis_ml_notifications where channel = ${channel} and due_at <= now()) as found`
  return row.found
}

/** The last rows, the newest first. */
export async function findNotifications(
  sql: Sql,
  { state, limit }: { readonly state: NotificationState | null; readonly limit: number },
): Promise<StoredNotification[]> {
  return [
    ...(await sql<StoredNotification[]>`
      select id::text, message_id as "messageId", channel, incident_id::text as "incidentId", event, state, attempts,
        created_at as "createdAt", due_at as "dueAt", delivered_at as "deliveredAt", error
      from aegis_ml_notifications where true ${state === null ? sql`` : sql`and state = ${state}`}
      order by aegis_ml_notifications.id desc limit ${limit}`),
  ]
}

/** How many rows of each receiver are in each state. */
export async function countNotifications(
  sql: Sql,
): Promise<{ readonly channel: string; readonly state: NotificationState; readonly count: number }[]> {
  return [
    ...(await sql<{ channel: string; state: NotificationState; count: number }[]>`
      select channel, state, count(*)::int as count from aegis_ml_notifications group by channel, state`),
  ]
}

/** More rows than this are not kept: the oldest that wait for nothing are deleted. */
const MAX_ROWS = 50_000

/** Ends what is too old to be sent, and deletes old rows. */
export async function tidyNotifications(sql: Sql, sentSince: Date, keptSince: Date): Promise<void> {
  await sql.begin(async (tx) => {
    await lockInTransaction(tx, LOCKS.notifications)
    await tx`
      update aegis_ml_notifications set state = 'failed', due_at = null, error = coalesce(error, 'nobody sends it')
      where state = 'pending' and created_at < ${sentSince} and coalesce(claimed_until <= now(), true)`
    await tx`delete from aegis_ml_notifications where created_at < ${keptSince}
      and (state not in ('pending', 'active') or not is_latest)`
    await tx`delete from aegis_ml_notifications where state not in ('pending', 'active') and id in (
      select id from aegis_ml_notifications order by id desc offset ${MAX_ROWS})`
  })
}
