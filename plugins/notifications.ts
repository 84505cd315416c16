import { randomUUID } from 'node:crypto'
import fp from 'fastify-plugin'
import type { Sql, TransactionSql } from 'postgres'
import { describeDatabaseError } from '../db/errors.js'
import type { Log } from '../db/log.js'
import { deleteOldDeployments } from '../db/own/deployments.js'
import type { WrittenIncident } from '../db/own/incident-book.js'
import {
  countNotifications,
  findNotifications,
  tidyNotifications,
  type NotificationState,
  type StoredNotification,
} from '../db/own/notifications.js'
import { deleteOldSilences } from '../db/own/silences.js'
import { DAY_MS, HOUR_MS } from '../models/traffic/durations.js'
import type { Config } from './config.js'
import type { Database } from './database.js'
import { ServiceError } from './http/errors.js'
import type { Channel } from './notifications/channel.js'
import { createChannels } from './notifications/channels.js'
import { testNotification } from './notifications/notification.js'
import type { Answer } from './notifications/post.js'
import { createNotificationQueue, type QueuedNotification } from './notifications/queue.js'
import { MAX_AGE_MS, startSender, type Attempt, type Sender } from './notifications/sender.js'
import type { Silences } from './silences.js'

/** What a receiver said to a test. */
export interface TestAnswer extends Pick<Answer, 'isAccepted' | 'status' | 'problem'> {
  readonly channel: string
}

/** A receiver, and how many notifications of it are in each state. */
export interface ChannelCounts {
  readonly channel: string
  readonly counts: Readonly<Record<NotificationState, number>>
  /** Whether it is still a receiver. */
  readonly isConfigured: boolean
}

/** Tells people and systems of incidents. */
export interface Notifications {
  /**
   * Queues a notification for each receiver, in the transaction that has written the incident: after `incidents.store`, whose
   * lock keeps the notifications of an incident in order. It is delivered at least once after the commit. Silences hold;
   * whoever was not told of the start is told of it instead of a change.
   */
  queue(tx: TransactionSql, notification: QueuedNotification): Promise<void>
  /**
   * The same for what `incidents.store` has written: starts, changes of severity, and ends.
   * @param at the minute that was judged
   */
  announce(tx: TransactionSql, written: readonly WrittenIncident[], at: Date): Promise<void>
  /** The last ones, the newest first, with the receivers. */
  list(request: {
    readonly state?: NotificationState | undefined
    readonly limit?: number | undefined
  }): Promise<{
    readonly notifications: readonly StoredNotification[]
    readonly channels: readonly ChannelCounts[]
  }>
  /** The names of the receivers. */
  readonly channels: readonly string[]
  /** Calls back with the end of each attempt to send a notification. The listener does not throw. */
  onAttempt(listener: (attempt: Attempt) => void): void
  /** Sends a test to each receiver at once, and waits for the answers. @throws ServiceError BUSY */
  test(signal: AbortSignal): Promise<TestAnswer[]>
}

declare module 'fastify' {
  interface FastifyInstance {
    notifications: Notifications
  }
}

interface NotificationsOptions {
  readonly sql: Sql
  readonly database: Pick<Database, 'assertUsable'>
  readonly silences: Pick<Silences, 'find'>
  readonly config: Pick<Config, 'notifications' | 'retentionDays'>
  readonly log: Log
  readonly now: () => Date
}

interface RunningNotifications extends Notifications {
  start(): void
  close(): Promise<void>
}

const DEFAULT_LIMIT = 50
const CATCH_UP_MS = 5_000
const NONE = { pending: 0, active: 0, delivered: 0, failed: 0, dropped: 0, silenced: 0 }

function createNotifications(options: NotificationsOptions): RunningNotifications {
  const { sql, database, silences, config, log, now } = options
  const channels = createChannels(config.notifications)
  const names = channels.map(({ name }) => name)
  const stopping = new AbortController()
  let senders: Sender[] = []
  const { queue, announce, catchUp } = createNotificationQueue({
    ...{ sql, channels: names, silences, log, now },
    onQueued: () => senders.forEach((sender) => sender.wake()),
  })
  const listeners: ((attempt: Attempt) => void)[] = []
  const onAttempt = (attempt: Attempt) => listeners.forEach((listener) => listener(attempt))
  let isTesting = false

  const tidy = async (): Promise<void> => {
    const ago = (ms: number) => new Date(now().getTime() - ms)
    const kept = ago(config.retentionDays * DAY_MS)
    await tidyNotifications(sql, ago(MAX_AGE_MS + HOUR_MS), kept)
    await deleteOldSilences(sql, kept)
    await deleteOldDeployments(sql, kept)
  }
  const regularly = (work: () => Promise<void>, everyMs: number) => {
    let running: Promise<void> | undefined
    const run = async () => {
      try {
        await database.assertUsable()
        await work()
      } catch (error) {
        log.debug({ reason: describeDatabaseError(error) }, 'notifications wait for the database')
      }
      running = undefined
    }
    const timer = setInterval(() => void (running ??= run()), everyMs).unref()
    return async () => {
      clearInterval(timer)
      await running
    }
  }
  let stops: (() => Promise<void>)[] = []

  return {
    queue,
    announce,
    channels: names,
    onAttempt: (listener) => void listeners.push(listener),
    async list({ state, limit = DEFAULT_LIMIT }) {
      await database.assertUsable()
      const notifications = await findNotifications(sql, { state: state ?? null, limit })
      return { notifications, channels: countsOf(names, await countNotifications(sql)) }
    },
    async test(signal) {
      if (isTesting) throw new ServiceError('BUSY', 'A test is on its way. Try again in a few seconds.')
      isTesting = true
      try {
        const limit = AbortSignal.any([signal, stopping.signal])
        return await Promise.all(channels.map((channel) => testChannel(channel, now(), limit)))
      } finally {
        isTesting = false
      }
    },
    start() {
      senders = channels.map((channel) =>
        startSender({ sql, database, channel, log, now, random: Math.random, onAttempt }),
      )
      stops = [regularly(catchUp, CATCH_UP_MS), regularly(tidy, HOUR_MS)]
    },
    async close() {
      stopping.abort(new ServiceError('SHUTTING_DOWN', 'The service is stopping.'))
      await Promise.all([...senders.map((sender) => sender.close()), ...stops.map((stop) => stop())])
    },
  }
}

async function testChannel(channel: Channel, now: Date, signal: AbortSignal): Promise<TestAnswer> {
  const notification = testNotification(`msg_${randomUUID().replaceAll('-', '')}`, now)
  const { isAccepted, status, problem } = await channel.send(notification, [], now, signal)
  return { channel: channel.name, isAccepted, status, problem }
}

function countsOf(
  names: readonly string[],
  counted: Awaited<ReturnType<typeof countNotifications>>,
): ChannelCounts[] {
  const all = new Set([...names, ...counted.map(({ channel }) => channel)])
  return [...all].map((channel) => {
    const own = counted.filter((each) => each.channel === channel)
    const counts = { ...NONE, ...Object.fromEntries(own.map(({ state, count }) => [state, count])) }
    return { channel, counts, isConfigured: names.includes(channel) }
  })
}

/** `fastify.notifications`. */
export default fp(
  async (app) => {
    const { config, sql, database, silences, log } = app
    const notifications = createNotifications({
      ...{ sql, database, silences, config, log },
      now: () => new Date(),
    })
    app.decorate('notifications', notifications)
    app.addHook('onReady', async () => notifications.start())
    app.addHook('preClose', () => notifications.close())
  },
  { name: 'notifications', dependencies: ['config', 'database', 'silences'] },
)
