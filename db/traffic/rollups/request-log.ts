import type { Sql } from 'postgres'
import { openOwnConnection } from '../../own-connection.js'
import { copyIn } from '../copy-in.js'
import { copyOut } from '../copy-out.js'
import { DURATION_COLUMN, type TrafficTable } from '../table.js'
import { inRangeText, TIME } from '../times.js'
import type { TimeRange } from './times.js'
import { addressText, latencyText, type TrafficSource } from './traffic-source.js'

/** Where an update reads the rows of the traffic table. */
export interface RequestLog {
  /** The database that has the rows. */
  readonly sql: Sql
  /** Makes the session of the rollups ready. @returns how that session reads the traffic table */
  prepare(source: TrafficSource): Promise<TrafficSource>
  /** Makes the rows of a range readable in the session of the rollups, until its transaction ends. */
  fetch(range: TimeRange): Promise<void>
  close(): Promise<void>
}

/** How long it waits for a lock of another session. */
const LOCK_TIMEOUT = '10s'

/**
 * The log of an update. In a database of its own (`traffic`), nothing can be written beside it: it may be a standby, or
 * its role may only read. Then the rows of each chunk are copied into a temporary table of the rollup session. That has
 * the name of the traffic table and comes before it in the search path, so that everything else is as with one database.
 */
export async function openLog(
  session: Sql,
  traffic: Sql | null,
  table: TrafficTable,
  signal: AbortSignal,
): Promise<RequestLog> {
  if (traffic === null) {
    const nothing = async () => undefined
    return { sql: session, prepare: async (source) => source, fetch: nothing, close: nothing }
  }
  const own = openOwnConnection(traffic, { lock_timeout: LOCK_TIMEOUT }, signal)
  const [row] = await own.sql<{ pid: number }[]>`select pg_backend_pid() as pid`
  const cancel = () => void traffic`select pg_cancel_backend(${row!.pid})`.catch(() => undefined)
  signal.addEventListener('abort', cancel, { once: true })
  let source: TrafficSource | undefined
  return {
    sql: own.sql,
    async prepare(found) {
      source = found
      await shadowTable(session, table)
      return { ...found, inet: false }
    },
    async fetch(range) {
      await copyRows(traffic, session, requestsQuery(source!, range), table, signal)
    },
    async close() {
      signal.removeEventListener('abort', cancel)
      await own.close()
    },
  }
}

/** Types are those of the columns of {@link requestsQuery}: COPY's binary format converts nothing. */
async function shadowTable(session: Sql, table: TrafficTable): Promise<void> {
  await session.unsafe(`
    create temp table ${table} ("timestamp" timestamptz, method text, path text, status_code int,
      ${DURATION_COLUMN[table]} float8, user_id text, ip_address text) on commit delete rows`)
  // A role may have set a path in which temporary tables come last.
  await session`
    select set_config('search_path', concat_ws(', ', 'pg_temp', nullif(current_setting('search_path'), '')), false)`
}

function requestsQuery(source: TrafficSource, range: TimeRange): string {
  return `
    select ${TIME}, method::text, path::text, status_code::int, ${latencyText(source.table)}, user_id::text,
      ${addressText(source)}
    from ${source.table} where ${inRangeText(range)}`
}

async function copyRows(
  traffic: Sql,
  session: Sql,
  query: string,
  table: TrafficTable,
  signal: AbortSignal,
): Promise<void> {
  const prepare = async (connection: Sql) => {
    await connection`select set_config('lock_timeout', ${LOCK_TIMEOUT}, false)`
    return query
  }
  const rows = copyOut(traffic, 'binary', prepare, signal)
  await copyIn(session`copy ${session(table)} from stdin (format binary)`, rows, signal)
  await session.unsafe(`analyze pg_temp.${table}`)
}
