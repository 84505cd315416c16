import type { Sql } from 'postgres'
import { openPool, type Connection } from '../../db/pool.js'
import { ServiceError } from '../http/errors.js'
import { createChecks } from './checks.js'
import { createProbe } from './probe.js'
import type { Config } from '../config.js'

/** A database beside the service's own that has the request log. The service only reads it. */
export interface TrafficDatabase {
  readonly sql: Sql
  readonly connection: Connection
  /** Asks the server, for at most 1.5 s. */
  status(): Promise<'connected' | `error: ${string}`>
  /** What does not work on a server that answers, a sentence each. */
  readonly problems: readonly string[]
  /** @throws ServiceError DATABASE_UNAVAILABLE unless the status is connected */
  assertConnected(): Promise<void>
  readonly firstCheck: Promise<void>
  close(): Promise<void>
}

const AWAY =
  'The traffic database (TRAFFIC_POSTGRES_HOST) is away. Try again shortly; GET /health says what is wrong with it.'

export function openTrafficDatabase(connection: Connection, choice: Config['trafficTable']): TrafficDatabase {
  const sql = openPool(connection)
  const probe = createProbe(connection)
  const checks = createChecks(connection, { own: false, traffic: choice })
  return {
    sql,
    connection,
    get problems() {
      return checks.problems()
    },
    async status() {
      const problem = await probe.ask()
      return problem === undefined ? 'connected' : `error: ${problem}`
    },
    async assertConnected() {
      if ((await probe.ask()) !== undefined) throw new ServiceError('DATABASE_UNAVAILABLE', AWAY)
    },
    firstCheck: checks.first,
    async close() {
      await checks.stop()
      await probe.end()
      await sql.end({ timeout: 2 })
    },
  }
}

/** @throws ServiceError TRAFFIC_READ_ONLY: requests belong into the database of the gateway */
export function refuseTraffic(): never {
  const message =
    'The request log is in another database (TRAFFIC_POSTGRES_…), which this service only reads. Send the requests to the service or gateway that owns the log.'
  throw new ServiceError('TRAFFIC_READ_ONLY', message)
}
