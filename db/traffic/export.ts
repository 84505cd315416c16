import type { ISql, Sql } from 'postgres'
import { copyOut } from './copy-out.js'
import { countQuery, exportQuery, namesEndpoints } from './export/figures.js'
import type { EndpointFolding } from '../../models/traffic/endpoint-folding.js'
import { readFolding } from './endpoint-folding.js'
import { foldPaths } from './export/folded-paths.js'
import type { TrafficSelection } from './export/selection.js'
import { inRange } from './times.js'
import { DURATION_COLUMN, type TrafficTable } from './table.js'

export type { TrafficSelection }

/** How long it waits for a lock of another session. */
const LOCK_TIMEOUT = '10s'

/** Traffic put together from the raw rows, in COPY's format: CSV without a header, guarded against formulas, or text. */
export function exportTraffic(
  sql: Sql,
  selection: TrafficSelection,
  format: 'csv' | 'text',
  signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
  const query: typeof countQuery = (...args) => exportQuery(...args, format === 'csv')
  return copyOut(sql, format, prepared(selection, query), signal)
}

/** How many rows {@link exportTraffic} has. */
export async function countExportRows(
  sql: Sql,
  selection: TrafficSelection,
  signal: AbortSignal,
): Promise<number> {
  let text = ''
  for await (const piece of copyOut(sql, 'text', prepared(selection, countQuery), signal))
    text += piece.toString()
  return Number(text)
}

/** What makes a connection ready for a query, and the query. */
function prepared(
  selection: TrafficSelection,
  query: (selection: TrafficSelection, pathsAreFolded: boolean) => string,
): (connection: Sql) => Promise<string> {
  return async (connection) => {
    const folding = await readFolding(connection, selection.table)
    // One snapshot, so that no path comes up that has not been folded.
    await connection.unsafe('begin isolation level repeatable read')
    return query(selection, await settle(connection, selection, folding))
  }
}

async function settle(tx: ISql, selection: TrafficSelection, folding: EndpointFolding): Promise<boolean> {
  await tx`select set_config('lock_timeout', ${LOCK_TIMEOUT}, true), set_config('jit', 'off', true)`
  // From here on numbers are written in the shortest form that reads back as the same, on servers before 12 too.
  await tx`select set_config('extra_float_digits', '3', true)`
  // A server that sorts notices in time that its client was killed (PostgreSQL 14 and later, on Linux).
  await tx`select set_config(name, '5s', true) from pg_settings
    where name = 'client_connection_check_interval' and version() like '%linux%'`
  return namesEndpoints(selection.type) ? foldPaths(tx, selection, folding) : false
}

/** The time of the first request of a range; null without any. */
export async function firstRequest(
  sql: Sql,
  { table, from, to }: { table: TrafficTable; from: Date; to: Date },
): Promise<Date | null> {
  const [row] = await sql<[{ first: Date | null }]>`
    select min("timestamp")::timestamptz as first from ${sql(table)} where ${inRange(sql, { from, to })}`
  return row.first
}

/** What a range of the traffic amounts to; no requests: null times. */
export interface TrafficTotals {
  readonly requests: number
  readonly first: Date | null
  readonly last: Date | null
  readonly errors: number
  readonly avgLatencyMs: number | null
}

export async function trafficTotals(
  sql: Sql,
  { table, ...range }: { table: TrafficTable; from: Date; to: Date },
): Promise<TrafficTotals> {
  const duration = sql(DURATION_COLUMN[table])
  const [row] = await sql<[TrafficTotals]>`
    select count(*)::float8 as requests, min("timestamp")::timestamptz as first, max("timestamp")::timestamptz as last,
      (count(*) filter (where status_code >= 400))::float8 as errors,
      avg(${duration}::float8) filter (where ${duration} >= 0) as "avgLatencyMs"
    from ${sql(table)}
    where ${inRange(sql, range)}`
  return row
}
