import type { Sql } from 'postgres'
import { TrafficTableError } from './rollups/traffic-source.js'
import type { TrafficTable } from './table.js'

/**
 * The columns of a traffic table, each with the characters that it holds at most, Infinity if any.
 * @throws TrafficTableError when it lacks one of those that are needed; PostgresError when it is not there
 */
export async function trafficColumns(
  sql: Sql,
  table: TrafficTable,
  needed: readonly string[],
): Promise<Map<string, number>> {
  // atttypmod of varchar(n) and char(n) is n and the four bytes of a length.
  const rows = await sql<{ name: string; longest: number | null }[]>`
    select attname as name, case when typname in ('varchar', 'bpchar') and atttypmod > 4 then atttypmod - 4 end as longest
    from pg_attribute join pg_type on pg_type.oid = atttypid
    where attrelid = ${table}::regclass and attnum > 0 and not attisdropped`
  const columns = new Map(rows.map(({ name, longest }) => [name, longest ?? Infinity]))
  const missing = needed.filter((column) => !columns.has(column))
  if (missing.length > 0) throw new TrafficTableError(table, missing)
  return columns
}
