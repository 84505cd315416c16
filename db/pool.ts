import postgres, { type Options, type Sql, type TransactionSql } from 'postgres'
import { ARRAY_TYPES } from './pool/array-types.js'
import { DriverSocket, driverSockets, type Encryption } from './pool/driver-socket.js'
import type { Settings } from './pool/greeting.js'
import { PoolTally, type PoolLoad } from './pool/pool-load.js'

export type { Encryption, PoolLoad }

/** Where a server is, and who asks. */
export interface Connection {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  /** IANA name; traffic tables whose times have no time zone are in this one. UTC, when it is not given. */
  readonly timeZone?: string
  /** Left out, the connection is not encrypted. */
  readonly tls?: Encryption | undefined
}

/** Options of the driver. */
export type PoolOptions = Omit<Options<Record<string, never>>, 'types' | 'socket' | 'fetch_types' | 'ssl'> & {
  /** Called for each notification of a channel that a connection listens to. */
  readonly onnotify?: (channel: string, payload: string) => void
}

export const POOL_SIZE = 10

/** One connection that stays open for as long as it is needed. */
export const ONE_CONNECTION = { max: 1, max_lifetime: null } as const

/** The load of each pool. */
const tallies = new WeakMap<Sql, PoolTally>()

/** How busy the connections of a pool are now; undefined for what was not opened as a pool. */
export function loadOf(pool: Sql): PoolLoad | undefined {
  return tallies.get(pool)
}

/** How the connections of a pool are encrypted, for those that are opened beside it. */
const encryption = new WeakMap<Sql, Encryption>()

/** A pool that connects at the first query and, after an outage, at the next one. */
export function openPool(
  { host, port, database, user, password, tls, timeZone = 'UTC' }: Connection,
  { connection, ...changes }: PoolOptions = {},
  settings: Settings = {},
): Sql {
  const tally = new PoolTally()
  const options: object = {
    host,
    port,
    database,
    username: user,
    password,
    max: POOL_SIZE,
    connect_timeout: 4,
    backoff: () => 0.5,
    onnotice: () => undefined,
    // PgBouncer accepts these two at the start of a connection; any other setting is made after it.
    connection: { application_name: 'aegis-ml', TimeZone: timeZone, ...connection },
    socket: driverSockets({ tls, settings, tally }),
    fetch_types: false,
    types: ARRAY_TYPES,
    ...changes,
  }
  const sql = withHeldTransactions(postgres(options as Options<Record<string, never>>))
  if (tls) encryption.set(sql, tls)
  tallies.set(sql, tally)
  return sql
}

/** A connection outside of a pool, with the options of the pool and with settings of its own. */
export function openBeside(
  pool: Sql,
  changes: object = {},
  settings: Settings = {},
  joinsCopyData = false,
): Sql {
  const tls = encryption.get(pool)
  // The driver takes the parsed options of one client as the options of another.
  const options = {
    ...(pool.options as object),
    ...ONE_CONNECTION,
    // Whatever the pool uses: with a plain socket, the rollback after a reset connection would never be answered.
    socket: driverSockets({ tls, settings, joinsCopyData }),
    ...changes,
  }
  const sql = withHeldTransactions(postgres(options as Options<Record<string, never>>))
  if (tls) encryption.set(sql, tls)
  return sql
}

/** A client that keeps the connection of each transaction until the transaction is over; see {@link DriverSocket}. */
function withHeldTransactions(sql: Sql): Sql {
  type Body = (tx: TransactionSql) => unknown
  const begin = sql.begin.bind(sql) as (options: string, body: Body) => Promise<unknown>
  async function beginHeld(...args: [string, Body] | [Body]): Promise<unknown> {
    const body = args.at(-1) as Body
    let letGo: (() => void) | undefined
    try {
      return await begin(args.length === 2 ? args[0] : '', (tx) => {
        letGo = DriverSocket.lastRead?.hold() // the answer to BEGIN has just been read
        return body(tx)
      })
    } finally {
      letGo?.()
    }
  }
  return Object.assign(sql, { begin: beginHeld as Sql['begin'] })
}
