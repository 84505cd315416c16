import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from 'postgres'
import { LOCK_SPACE, LOCKS, tryLock } from '../lease.js'
import type { Log } from '../log.js'
import { describeDatabaseError } from '../errors.js'
import { ONE_CONNECTION, openPool, type Connection } from '../pool.js'

/** The server's own database: there from the start, so the owner's lock is kept there. */
const MAINTENANCE_DATABASE = 'postgres'

/** One connection to the maintenance database of an embedded server. */
export function connectAsOwner(connection: Connection, onclose: () => void = () => undefined): Sql {
  return openPool(
    { ...connection, database: MAINTENANCE_DATABASE },
    {
      ...ONE_CONNECTION,
      connect_timeout: 3,
      backoff: () => 0.2,
      connection: { application_name: `aegis-ml service, process ${process.pid}` },
      onclose,
    },
  )
}

/** Takes the lock that the living owner of a server holds; whether it was free. Kept by the connection. */
export async function tryOwnership(sql: Sql): Promise<boolean> {
  return (await tryLock(sql, LOCKS.embeddedOwner)) !== undefined
}

/** How the owner of a server calls itself. */
export async function ownerOf(sql: Sql): Promise<string> {
  const [row] = await sql<{ name: string }[]>`
    select activity.application_name as name
    from pg_locks lock join pg_stat_activity activity using (pid)
    where lock.locktype = 'advisory' and lock.granted
      and lock.classid = ${LOCK_SPACE} and lock.objid = ${LOCKS.embeddedOwner}`
  return row?.name ?? 'unknown'
}

/**
 * Holds the owner's lock for as long as the service lives: a connection of its own, and whenever that breaks
 * (PostgreSQL was restarted) another one.
 */
export function keepOwnership(connection: Connection, log: Log) {
  let released = false
  let retaking: Promise<void> | undefined
  const sql = connectAsOwner(connection, () => {
    if (!released) retaking ??= retake().finally(() => (retaking = undefined))
  })

  async function retake(): Promise<void> {
    while (!released) {
      try {
        if (await tryOwnership(sql)) return
      } catch (error) {
        log.debug({ reason: describeDatabaseError(error) }, 'the lock of the database awaits a connection')
      }
      await delay(200, undefined, { ref: false })
    }
  }

  return {
    sql,
    /** The first time; whether it was free. */
    take: () => tryOwnership(sql),
    async release(): Promise<void> {
      released = true
      await sql.end({ timeout: 1 })
    },
  }
}
