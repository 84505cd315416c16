import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from 'postgres'
import { describeDatabaseError } from '../../db/errors.js'
import type { Log } from '../../db/log.js'
import {
  earlierPayloads,
  giveBack,
  hasDue,
  markDelivered,
  markFailed,
  takeNotifications,
  type TakenNotification,
} from '../../db/own/notifications.js'
import { DAY_MS } from '../../models/traffic/durations.js'
import type { Database } from '../database.js'
import type { Channel } from './channel.js'
import type { Notification } from './notification.js'
import type { Answer } from './post.js'

/** Sends what waits for a receiver, until it is closed. */
export interface Sender {
  /** Something was queued in a transaction that will be committed soon. */
  wake(): void
  close(): Promise<void>
}

/** How an attempt to send a notification has ended. */
export interface Attempt {
  readonly channel: string
  /** refused: it is tried again, unless it is given up. */
  readonly outcome: 'accepted' | 'refused' | 'given_up'
}

export interface SenderOptions {
  readonly sql: Sql
  readonly database: Pick<Database, 'assertUsable'>
  readonly channel: Channel
  readonly log: Pick<Log, 'info' | 'warn' | 'debug'>
  readonly now: () => Date
  /** 0…1, for the pauses between attempts. */
  readonly random: () => number
  readonly onAttempt?: (attempt: Attempt) => void
  readonly pollMs?: number
}

const POLL_MS = 1_000
/** After a wake, it looks so often for so long. */
const AWAKE_POLL_MS = 50
const AWAKE_MS = 500
const AWAY_MS = 5_000
/** Sent at the same time. */
const MAX_AT_A_TIME = 4
/** Longer than an attempt takes: if the replica dies, another one sends after it. */
const CLAIM_SECONDS = 30
const MAX_EARLIER = 20
const FIRST_PAUSE_SECONDS = 5
const MAX_PAUSE_SECONDS = 900
const REPEAT_PAUSE_SECONDS = 15
const CLOSE_LIMIT_MS = 2_000

/** A notification that has not arrived for so long is given up. */
export const MAX_AGE_MS = 3 * DAY_MS

export function startSender(options: SenderOptions): Sender {
  const { sql, database, channel, log, now, random, pollMs = POLL_MS } = options
  const { onAttempt = () => undefined } = options
  const stopping = new AbortController() // takes nothing more
  const aborting = new AbortController() // and ends what is on its way
  let problem: string | null = null
  let isAway = true // until something arrives: what waits may do so for nothing
  let awakeUntil = 0
  let sleep = new AbortController()

  const report = (found: string | null): void => {
    if (found !== null && problem === null) {
      log.warn({ channel: channel.name, reason: found }, 'a notification does not arrive; trying again')
    }
    if (found === null && problem !== null) log.info({ channel: channel.name }, 'notifications arrive again')
    problem = found
  }
  const conclude = async (taken: TakenNotification, answer: Answer): Promise<void> => {
    report(answer.problem)
    const wasAway = isAway
    isAway = isNotThere(answer) || (isAway && !answer.isAccepted)
    if (answer.isAccepted) {
      onAttempt({ channel: channel.name, outcome: 'accepted' })
      const repeatSeconds = taken.event !== 'ended' ? channel.repeatSeconds : null
      return markDelivered(sql, taken, channel.name, { repeatSeconds, isBack: wasAway })
    }
    const pause = pauseSeconds(taken, answer, now(), random())
    onAttempt({ channel: channel.name, outcome: pause === null ? 'given_up' : 'refused' })
    await markFailed(sql, taken, answer.problem ?? 'it was refused', pause)
    if (pause === null) log.warn({ channel: channel.name, id: taken.messageId }, 'a notification is given up')
  }
  const send = async (taken: TakenNotification): Promise<void> => {
    let answer: Answer
    try {
      const isRepeated = channel.repeatSeconds !== null
      const earlier = isRepeated ? await earlierPayloads(sql, taken, channel.name, MAX_EARLIER) : []
      const payload = taken.payload as Notification
      answer = await channel.send(payload, earlier as Notification[], now(), aborting.signal)
    } catch (error) {
      if (aborting.signal.aborted) return giveBack(sql, taken)
      throw error
    }
    await conclude(taken, answer)
  }
  /** @returns how many were taken */
  const round = async (): Promise<number> => {
    await database.assertUsable()
    if (!(await hasDue(sql, channel.name))) return 0
    const taken = await takeNotifications(sql, channel.name, MAX_AT_A_TIME, CLAIM_SECONDS)
    for (const ended of await Promise.allSettled(taken.map(send))) {
      if (ended.status === 'rejected') throw ended.reason
    }
    return taken.length
  }
  const pause = async (ms: number): Promise<void> => {
    if (stopping.signal.aborted) return
    const isAwake = performance.now() < awakeUntil
    sleep = new AbortController()
    const options = { signal: sleep.signal, ref: false }
    await delay(isAwake ? Math.min(ms, AWAKE_POLL_MS) : ms, undefined, options).catch(() => undefined)
  }
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      let pauseMs = pollMs
      try {
        if ((await round()) > 0) continue
      } catch (error) {
        const reason = describeDatabaseError(error)
        log.debug({ channel: channel.name, reason }, 'notifications wait for the database')
        pauseMs = AWAY_MS
      }
      await pause(pauseMs)
    }
  }

  const running = run()
  return {
    wake() {
      awakeUntil = performance.now() + AWAKE_MS
      sleep.abort()
    },
    async close() {
      stopping.abort()
      sleep.abort()
      await Promise.race([running, delay(CLOSE_LIMIT_MS, undefined, { ref: false })])
      aborting.abort()
      await running
    },
  }
}

/** Whether a receiver does not answer, or is broken. One that refuses a notification, or wants fewer, is there. */
const isNotThere = ({ status }: Answer) => status === null || status >= 500

/** When a notification is tried again; null for never. */
export function pauseSeconds(
  { state, attempts, createdAt }: Pick<TakenNotification, 'state' | 'attempts' | 'createdAt'>,
  { isGone, waitSeconds }: Pick<Answer, 'isGone' | 'waitSeconds'>,
  now: Date,
  random: number,
): number | null {
  if (state === 'active') return Math.max(REPEAT_PAUSE_SECONDS, waitSeconds ?? 0)
  if (isGone || now.getTime() - createdAt.getTime() > MAX_AGE_MS) return null
  const usual = Math.min(
    MAX_PAUSE_SECONDS,
    FIRST_PAUSE_SECONDS * 2 ** Math.max(0, Math.min(attempts, 20) - 1),
  )
  return Math.max(usual * (0.5 + random), waitSeconds ?? 0)
}
