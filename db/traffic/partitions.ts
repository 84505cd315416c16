import type { Sql } from 'postgres'
import type { TrafficTable } from './table.js'

/** The table is partitioned, and has no partition for a row. */
export class NoPartitionError extends Error {
  constructor(
    /** Of the first such row, from 0. */
    readonly index: number,
    options: ErrorOptions,
  ) {
    super('There is no partition for a row.', options)
  }
}

/** What PostgreSQL says about a row that it has no partition for, as a NoPartitionError; any other error as it is. */
export function explainPartitionError(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || error.code !== '23514') return error
  // A check constraint has a name; a missing partition has none.
  if ('constraint_name' in error && error.constraint_name !== undefined) return error
  const line = /^COPY .*, line (\d+)/.exec('where' in error ? String(error.where) : '')?.[1]
  return line === undefined ? error : new NoPartitionError(Number(line) - 1, { cause: error })
}

/**
 * Which times lie outside of all partitions of a table that is partitioned by its timestamp.
 * @param times milliseconds since 1970
 * @returns their indexes in order
 */
export async function timesOutsidePartitions(
  sql: Sql,
  table: TrafficTable,
  times: readonly number[],
): Promise<number[]> {
  const leaves = await sql<{ condition: string | null; type: string }[]>`
    select pg_get_partition_constraintdef(relid) as condition, (
      select format_type(atttypid, null) from pg_attribute
      where attrelid = ${table}::regclass and attname = 'timestamp'
    ) as type
    from pg_partition_tree(${table}::regclass) where isleaf`
  // The database itself has written the conditions.
  const covered = leaves.map(({ condition }) => condition ?? 'true').join(' or ') || 'true'
  // A cast to timestamp takes the time zone of the session, as the rows of such a table do.
  const time = leaves[0]?.type === 'timestamp without time zone' ? 'each.time::timestamp' : 'each.time'
  const rows = await sql.unsafe<{ index: number }[]>(
    `select index::int - 1 as index
     from (
       select ${time} as "timestamp", index
       from unnest($1::text[]::timestamptz[]) with ordinality as each (time, index)
     ) each
     where (${covered}) is not true order by index`,
    [times.map((timeMs) => new Date(timeMs).toISOString())],
  )
  return rows.map(({ index }) => index)
}
