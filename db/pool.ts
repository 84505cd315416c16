import postgres, { type Options, type Sql } from 'postgres'
import { openDriverSocket } from './pool/driver-socket.js'

/** Where a server is, and who asks. */
export interface Connection {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  /** IANA name; traffic tables whose times have no time zone are in this one. UTC, when it is not given. */
  readonly timeZone?: string
}

export type PoolOptions = Options<Record<string, never>>

const POOL_SIZE = 10

/** One connection that stays open for as long as it is needed. */
export const ONE_CONNECTION = { max: 1, max_lifetime: null } as const

/**
 * One connection that can be closed at any moment. The driver asks for the types of arrays before the first query;
 * closing it in the middle of that throws an exception that nobody can catch, so it does not ask.
 */
export const DISPOSABLE_CONNECTION = { ...ONE_CONNECTION, fetch_types: false } as const

/** A pool that connects at the first query and, after an outage, at the next one. */
export function openPool(
  { host, port, database, user, password, timeZone = 'UTC' }: Connection,
  { connection, ...changes }: PoolOptions = {},
): Sql {
  const options = {
    host,
    port,
    database,
    username: user,
    password,
    max: POOL_SIZE,
    connect_timeout: 4,
    backoff: () => 0.5,
    onnotice: () => undefined,
    connection: { application_name: 'aegis-ml', TimeZone: timeZone, ...connection },
    socket: openDriverSocket,
    ...changes,
  }
  return postgres(options)
}

/** A connection outside of a pool, with the settings of the pool. */
export function openBeside(pool: Sql, changes: object = {}): Sql {
  // The driver takes the parsed options of one client as the options of another.
  const options = {
    ...(pool.options as object),
    ...ONE_CONNECTION,
    // Whatever the pool uses: with a plain socket, the rollback after a reset connection would never be answered.
    socket: openDriverSocket,
    ...changes,
  }
  return postgres(options as PoolOptions)
}
