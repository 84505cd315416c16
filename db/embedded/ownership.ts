import { setTimeout as delay } from 'node:timers/promises'
import postgres from 'postgres'
import { ADVISORY_LOCKS, ADVISORY_LOCK_SPACE } from '../advisory-locks.js'
import type { Log } from '../log.js'
import { describeDatabaseError } from '../errors.js'

/** The server's own database: there from the start, so the owner's lock is kept there. */
const MAINTENANCE_DATABASE = 'postgres'

export interface Connection {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

/** One connection to the maintenance database of an embedded server. */
export function connectAsOwner(connection: Connection, onclose: () => void = () => undefined): postgres.Sql {
  return postgres({
    host: connection.host,
    port: connection.port,
    username: connection.user,
    password: connection.password,
    database: MAINTENANCE_DATABASE,
    max: 1,
    max_lifetime: null,
    connect_timeout: 3,
    backoff: () => 0.2,
    fetch_types: false,
    connection: { application_name: `aegis-ml service, process ${process.pid}` },
    onnotice: () => undefined,
    onclose,
  })
}

/** Takes the lock that the living owner of a server holds; whether it was free. Kept by the connection. */
export async function tryOwnership(sql: postgres.Sql): Promise<boolean> {
  const [row] = await sql<{ free: boolean }[]>`
    select pg_try_advisory_lock(${ADVISORY_LOCK_SPACE}, ${ADVISORY_LOCKS.embeddedOwner}) as free`
  return row!.free
}

/** How the owner of a server calls itself. */
export async function ownerOf(sql: postgres.Sql): Promise<string> {
  const [row] = await sql<{ name: string }[]>`
    select activity.application_name as name
    from pg_locks lock join pg_stat_activity activity using (pid)
    where lock.locktype = 'advisory' and lock.granted
      and lock.classid = ${ADVISORY_LOCK_SPACE} and lock.objid = ${ADVISORY_LOCKS.embeddedOwner}`
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
