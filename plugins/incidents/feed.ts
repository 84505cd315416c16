import type { Sql } from 'postgres'
import { describeDatabaseError, isDatabaseReadOnly } from '../../db/errors.js'
import type { Log } from '../../db/log.js'
import { createListener } from '../../db/notifications.js'
import { INCIDENTS_CHANNEL } from '../../db/own/incident-writes.js'
import { lastRevision } from '../../db/own/incidents.js'
import { ONE_CONNECTION } from '../../db/pool.js'
import type { Database } from '../database.js'

/** Knows of writes of incidents on any replica: at once by a notification, within seconds by asking. */
export interface IncidentFeed {
  /** How many times the feed has found new writes. */
  readonly changes: number
  /** Resolves when there are more changes than these, after the time, or when the signal is aborted. */
  next(changes: number, maxMs: number, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

export interface IncidentFeedOptions {
  readonly sql: Sql
  readonly database: Pick<Database, 'assertUsable' | 'openConnection'>
  readonly log: Pick<Log, 'debug'>
  /** A lost notification is noticed within this time. */
  readonly pollMs?: number
}

const POLL_MS = 2_000
const RETRY_MS = 1_000

export function createIncidentFeed(options: IncidentFeedOptions): IncidentFeed {
  const { sql, database, log, pollMs = POLL_MS } = options
  const waiting = new Set<() => void>()
  let changes = 0
  let last: number | undefined
  let timer: NodeJS.Timeout | undefined
  let running = false
  let again = false
  let closed = false

  const listener = createListener({
    channel: INCIDENTS_CHANNEL,
    open: () => database.openConnection(ONE_CONNECTION),
    onNotification: () => void look(),
  })
  const ask = async (): Promise<void> => {
    const found = await lastRevision(sql)
    if (found === last) return
    last = found
    changes++
    for (const wake of waiting) wake()
  }
  const poll = async (): Promise<void> => {
    await database.assertUsable()
    await listener.check().catch((error: unknown) => {
      if (!isDatabaseReadOnly(error)) throw error // a standby cannot listen; it is asked
    })
    await ask()
  }
  /** One question at a time; a notification in the middle of it asks again. */
  const look = async (work: () => Promise<void> = ask): Promise<void> => {
    if (running) return void (again = true)
    running = true
    let nextMs = pollMs
    try {
      await work()
    } catch (error) {
      const reason = describeDatabaseError(error)
      log.debug({ reason }, 'the database does not tell of incidents; trying again')
      nextMs = RETRY_MS
    }
    running = false
    clearTimeout(timer)
    if (closed) return
    if (again) {
      again = false
      void look()
    } else if (waiting.size > 0) {
      timer = setTimeout(() => void look(poll), nextMs).unref()
    }
  }

  return {
    get changes() {
      return changes
    },
    next(seen, maxMs, signal) {
      return new Promise((resolve) => {
        const wake = () => {
          clearTimeout(limit)
          signal.removeEventListener('abort', wake)
          waiting.delete(wake)
          resolve()
        }
        const limit = setTimeout(wake, maxMs)
        if (signal.aborted || closed || changes > seen) return wake()
        signal.addEventListener('abort', wake, { once: true })
        waiting.add(wake)
        if (waiting.size === 1) void look(poll)
      })
    },
    async close() {
      closed = true
      clearTimeout(timer)
      for (const wake of waiting) wake()
      await listener.close()
    },
  }
}
