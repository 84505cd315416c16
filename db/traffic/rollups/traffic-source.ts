import type { PendingQuery, Row, Sql } from 'postgres'
import { trafficShape } from '../columns.js'
import { ADDRESS, DURATION_COLUMN, MAX_LATENCY_MS, type TrafficTable } from '../table.js'
import { inRange } from '../times.js'
import type { TimeRange } from './times.js'

/** How the traffic table is read. */
export interface TrafficSource {
  readonly table: TrafficTable
  /** The statement that makes the index on the time that the table lacks, if it does. */
  readonly indexStatement: string | undefined
  /** Whether its addresses are of type inet. */
  readonly inet: boolean
  readonly hasTier: boolean
}

const SHARED_COLUMNS = ['timestamp', 'method', 'path', 'status_code', 'user_id', 'ip_address']

/**
 * Looks at the table before it is read. That it is not there at all is left to PostgreSQL to say.
 * @throws TrafficTableError when it lacks columns
 */
export async function findTrafficSource(sql: Sql, table: TrafficTable): Promise<TrafficSource> {
  const { kind, columns } = await trafficShape(sql, table, [...SHARED_COLUMNS, DURATION_COLUMN[table]])
  const inet = columns.get('ip_address')!.type === 'inet'
  return { table, inet, hasTier: columns.has('tier'), indexStatement: await missingIndex(sql, table, kind) }
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
  return sql`${sql.unsafe(latencyText(table))}`
}

/** The same as text, since COPY takes no parameters. */
export function latencyText(table: TrafficTable): string {
  const duration = DURATION_COLUMN[table]
  return `case when ${duration}::float8 between 0 and ${MAX_LATENCY_MS} then ${duration}::float8 end`
}

export function addressOf(sql: Sql, source: TrafficSource): Fragment {
  return sql`${sql.unsafe(addressText(source))}`
}

/** The same as text, since COPY takes no parameters. */
export function addressText({ inet }: Pick<TrafficSource, 'inet'>): string {
  return inet ? `host(${ADDRESS})` : `${ADDRESS}::text`
}

/** The time of the earliest row of a range. */
export async function firstRow(sql: Sql, table: TrafficTable, range: TimeRange): Promise<Date | undefined> {
  const [row] = await sql<{ time: Date | null }[]>`
    select min("timestamp")::timestamptz as time from ${sql(table)} where ${inRange(sql, range)}`
  return row?.time ?? undefined
}
