import { randomUUID } from 'node:crypto'
import type { ISql, Sql, TransactionSql } from 'postgres'
import type { WrittenIncident } from '../../db/own/incident-book.js'
import { changeByDeployment } from '../../db/own/deployments.js'
import { findIncident, type StoredIncident } from '../../db/own/incidents.js'
import {
  insertNotifications,
  toldOf,
  unfinishedIncidents,
  type NewNotification,
  type QueuedEvent,
  type Told,
} from '../../db/own/notifications.js'
import { lockInTransaction, LOCKS } from '../../db/lease.js'
import type { Log } from '../../db/log.js'
import type { Silences } from '../silences.js'
import { eventsOf, notificationOf } from './notification.js'

/** What happened to an incident, as it is stored. */
export interface QueuedNotification {
  readonly event: QueuedEvent
  readonly incident: StoredIncident
  /** When it happened; silences of that time hold. Now, when it is not given. */
  readonly at?: Date
}

export interface NotificationQueue {
  queue(tx: TransactionSql, notification: QueuedNotification): Promise<void>
  announce(tx: TransactionSql, written: readonly WrittenIncident[], at: Date): Promise<void>
  /** Queues what is missing: the end of incidents that people ended, and those whose silence is over. */
  catchUp(): Promise<void>
}

export interface QueueOptions {
  readonly sql: Sql
  readonly channels: readonly string[]
  readonly silences: Pick<Silences, 'find'>
  readonly log: Pick<Log, 'warn'>
  readonly now: () => Date
  /** Called when something will be there to send, once the transaction is committed. */
  readonly onQueued: () => void
  readonly maxPending?: number
}

/** Waiting notifications of a receiver. */
const MAX_PENDING = 1_000
const MAX_UNFINISHED = 100

export function createNotificationQueue(options: QueueOptions): NotificationQueue {
  const { sql, channels, silences, log, now, onQueued, maxPending = MAX_PENDING } = options

  const queue = async (
    tx: TransactionSql,
    { event, incident, at = now() }: QueuedNotification,
  ): Promise<void> => {
    tell(log, event, incident)
    if (channels.length === 0) return
    const isSilenced = event !== 'ended' && (await silences.find(tx, incident, at)) !== undefined
    const told = new Map((await toldOf(tx, incident.id)).map((each) => [each.channel, each]))
    const described = await withDeployment(tx, incident)
    const messageId = `msg_${randomUUID().replaceAll('-', '')}`
    const rows = channels.flatMap((channel): NewNotification[] => {
      const next = nextOf(event, told.get(channel), isSilenced)
      if (next === null) return []
      const payload = notificationOf(messageId, next.event, described, now())
      return [{ ...next, messageId, channel, incidentId: incident.id, payload }]
    })
    const dropped = await insertNotifications(tx, rows, maxPending)
    onQueued()
    if (dropped > 0) log.warn({ dropped }, 'notifications were dropped: too many are waiting')
  }

  /** What has to be told of an incident; null while a silence holds. */
  const missingOf = async (from: ISql, id: string): Promise<QueuedNotification | null> => {
    const incident = await findIncident(from, id)
    if (incident === undefined) return null
    if (incident.endedAt !== null) return { event: 'ended', incident }
    const isSilenced = (await silences.find(from, incident, now())) !== undefined
    return isSilenced ? null : { event: 'changed', incident }
  }
  const missing = async (from: ISql): Promise<QueuedNotification[]> => {
    const found: QueuedNotification[] = []
    for (const id of await unfinishedIncidents(from, channels, MAX_UNFINISHED)) {
      const each = await missingOf(from, id)
      if (each !== null) found.push(each)
    }
    return found
  }

  return {
    queue,
    async announce(tx, written, at) {
      for (const each of written) {
        for (const event of eventsOf(each)) await queue(tx, { event, incident: each.incident, at })
      }
    },
    async catchUp() {
      if (channels.length === 0) return
      if ((await missing(sql)).length === 0) return // without the lock, which whoever judges waits for
      await sql.begin(async (tx) => {
        await lockInTransaction(tx, LOCKS.incidents) // nobody else queues
        for (const each of await missing(tx)) await queue(tx, each)
      })
    },
  }
}

/**
 * What a receiver is told next; null for nothing. Whoever knows of no start is told of one in place of a change, and of no end.
 */
export function nextOf(
  event: QueuedEvent,
  before: Pick<Told, 'latest' | 'told'> | undefined,
  isSilenced: boolean,
): Pick<NewNotification, 'event' | 'state'> | null {
  const isTold = before !== undefined && before.told !== null && before.told !== 'ended'
  if (event === 'ended') {
    if (before === undefined || before.latest === 'ended') return null
    return { event, state: isTold ? 'pending' : 'silenced' }
  }
  return { event: isTold ? 'changed' : 'started', state: isSilenced ? 'silenced' : 'pending' }
}

/** What else was changed is looked up later; a deployment is known at once. */
async function withDeployment(tx: TransactionSql, incident: StoredIncident): Promise<StoredIncident> {
  if (incident.change !== null) return incident
  const { series, endpoints, startedAt } = incident
  const change = await changeByDeployment(tx, { series, endpoints, startedMs: startedAt.getTime() })
  return change === null ? incident : { ...incident, change }
}

function tell(log: Pick<Log, 'warn'>, event: QueuedEvent, incident: StoredIncident): void {
  if (event === 'changed') return
  const { id, series, type, severity, startedAt, endedAt, explanation } = incident
  const data = { incident: id, series, type, severity, startedAt, endedAt, explanation }
  log.warn(data, event === 'started' ? 'an incident has started' : 'an incident has ended')
}
