import type { PendingQuery, Row, Sql } from 'postgres'
import { DURATION_COLUMN, MAX_LATENCY_MS, type TrafficTable } from '../table.js'
import type { TimeRange } from './times.js'

/** The traffic table cannot be rolled up as it is; the message says what it lacks. */
export class TrafficTableError extends Error {
  constructor(
    readonly table: TrafficTable,
    /** Columns that the table lacks. */
    readonly missing: readonly string[],
  ) {
    const noun = missing.length === 1 ? 'column' : 'columns'
    super(`The table ${table} lacks the ${noun} ${missing.join(', ')}, which rollups are made of.`)
  }
}

/** How the traffic table is read. */
export interface TrafficSource {
  readonly table: TrafficTable
  /** The statement that makes the index on the time that the table lacks, if it does. */
  readonly indexStatement: string | undefined
  /** Whether its addresses are of type inet. */
  readonly inet: boolean
}

const SHARED_COLUMNS = ['timestamp', 'method', 'path', 'status_code', 'user_id', 'ip_address']

/**
 * Looks at the table before it is read. That it is not there at all is left to PostgreSQL to say.
 * @throws TrafficTableError when it lacks columns
 */
export async function findTrafficSource(sql: Sql, table: TrafficTable): Promise<TrafficSource> {
  const needed = [...SHARED_COLUMNS, DURATION_COLUMN[table]]
  const columns = await sql<{ name: string; type: string; kind: string }[]>`
    select attname as name, format_type(atttypid, null) as type, relkind as kind
    from pg_attribute join pg_class on pg_class.oid = attrelid
    where attrelid = ${table}::regclass and attnum > 0 and not attisdropped`
  const missing = needed.filter((column) => !columns.some(({ name }) => name === column))
  if (missing.length > 0) throw new TrafficTableError(table, missing)
  const inet = columns.some(({ name, type }) => name === 'ip_address' && type === 'inet')
  return { table, inet, indexStatement: await missingIndex(sql, table, columns[0]!.kind) }
}

/** A view has no index, and a partitioned table takes none concurrently. */
async function missingIndex(sql: Sql, table: TrafficTable, kind: string): Promise<string | undefined> {
  if (kind !== 'r' && kind !== 'p') return undefined
  const [found] = await sql`
    select 1 from pg_index join pg_attribute on attrelid = indrelid and attnum = indkey[0]
    where indrelid = ${table}::regclass and attname = 'timestamp' and indisvalid and indpred is null`
  if (found !== undefined) return undefined
  return `CREATE INDEX ${kind === 'p' ? '' : 'CONCURRENTLY '}ON ${table} ("timestamp")`
}

type Fragment = PendingQuery<Row[]>

/** The latency of a row in ms, or null. */
export function latencyOf(sql: Sql, table: TrafficTable): Fragment {
  const duration = sql(DURATION_COLUMN[table])
  return sql`case when ${duration}::float8 between 0 and ${MAX_LATENCY_MS} then ${duration}::float8 end`
}

export function addressOf(sql: Sql, { inet }: TrafficSource): Fragment {
  return inet ? sql`host(ip_address)` : sql`ip_address::text`
}

/** The time of the earliest row of a range. */
export async function firstRow(
  sql: Sql,
  table: TrafficTable,
  { from, to }: TimeRange,
): Promise<Date | undefined> {
  const [row] = await sql<{ time: Date | null }[]>`
    select min("timestamp") as time from ${sql(table)} where "timestamp" >= ${from} and "timestamp" < ${to}`
  return row?.time ?? undefined
}
