import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from 'postgres'
import {
  countOpenIncidents,
  countWaitingNotifications,
  newestRollup,
  type OpenIncidents,
  type WaitingNotifications,
} from '../../db/own/figures.js'
import { loadOf, POOL_SIZE, type PoolLoad } from '../../db/pool.js'
import type { Database } from '../database.js'

/** What the database said when it was asked for a scrape. What it did not say in time is null. */
export interface DatabaseLook {
  /** By which it is known: own, or traffic for one that has the request log alone. */
  readonly isUp: ReadonlyMap<'own' | 'traffic', boolean>
  readonly pool: PoolLoad & { readonly max: number; readonly waitSeconds: number }
  readonly incidents: readonly OpenIncidents[] | null
  readonly notifications: readonly WaitingNotifications[] | null
  readonly rolledUpTo: Date | null
}

interface DatabaseLooksOptions {
  readonly sql: Sql
  readonly database: Pick<Database, 'status' | 'traffic' | 'openConnection'>
}

/** A scrape waits for the database so long, and no longer. */
const MAX_LOOK_MS = 1_000

/** A connection that hangs is replaced after this. */
const MAX_HANG_MS = 10_000

/** Scrapes that are closer to each other than this see the same. */
const MIN_AGE_MS = 1_000

type Figures = Pick<DatabaseLook, 'incidents' | 'notifications' | 'rolledUpTo'>

const NOTHING: Figures = { incidents: null, notifications: null, rolledUpTo: null }

/**
 * Looks at the database for scrapes: one look at a time, on a connection of its own, since it is to tell that the pool is
 * exhausted.
 */
export function createDatabaseLooks({ sql, database }: DatabaseLooksOptions) {
  let connection: Sql | undefined
  let reading: Promise<Figures> | undefined
  let waiting: { readonly sinceMs: number; readonly done: Promise<void> } | undefined
  let last: { readonly atMs: number; readonly look: Promise<DatabaseLook> } | undefined

  const read = async (): Promise<Figures> => {
    const own = (connection ??= database.openConnection())
    const giveUp = setTimeout(() => {
      connection = undefined
      void own.end({ timeout: 0 }).catch(() => undefined)
    }, MAX_HANG_MS).unref()
    try {
      const incidents = await countOpenIncidents(own)
      const notifications = await countWaitingNotifications(own)
      return { incidents, notifications, rolledUpTo: await newestRollup(own) }
    } catch {
      return NOTHING // whether the database is up, and what does not work, are metrics of their own
    } finally {
      clearTimeout(giveUp)
      reading = undefined
    }
  }
  /** How long a statement waits in the pool. One that still waits from the scrape before goes on. */
  const waitSeconds = async (): Promise<number> => {
    const { sinceMs, done } = (waiting ??= {
      sinceMs: performance.now(),
      done: sql`select 1`
        .then(
          () => undefined,
          () => undefined,
        )
        .finally(() => (waiting = undefined)),
    })
    await withinLimit(done, undefined)
    return (performance.now() - sinceMs) / 1000
  }
  const ask = async (): Promise<DatabaseLook> => {
    const { traffic } = database
    const load = loadOf(sql)!
    const { idle, used, waiting: statements } = load
    const isConnected = async (status: Promise<string>) =>
      (await withinLimit(status, 'no answer')) === 'connected'
    const [isUp, isTrafficUp, figures, wait] = await Promise.all([
      isConnected(database.status()),
      traffic && isConnected(traffic.status()),
      withinLimit((reading ??= read()), NOTHING),
      waitSeconds(),
    ])
    return {
      isUp: new Map([['own', isUp], ...(isTrafficUp === null ? [] : ([['traffic', isTrafficUp]] as const))]),
      pool: { idle, used, waiting: statements, max: POOL_SIZE, waitSeconds: wait },
      ...figures,
    }
  }
  return {
    look(): Promise<DatabaseLook> {
      const nowMs = performance.now()
      if (last === undefined || nowMs - last.atMs >= MIN_AGE_MS) last = { atMs: nowMs, look: ask() }
      return last.look
    },
    async close(): Promise<void> {
      await connection?.end({ timeout: 0 }).catch(() => undefined)
    },
  }
}

const withinLimit = <T>(work: Promise<T>, otherwise: T): Promise<T> =>
  Promise.race([work, delay(MAX_LOOK_MS, otherwise, { ref: false })])
