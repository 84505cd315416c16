import type { Sql } from 'postgres'
import { orCancelled } from '../or-cancelled.js'
import { inRange } from './times.js'
import type { TrafficTable } from './table.js'
import { within } from './within.js'

export interface CountedPath {
  readonly method: string
  readonly path: string
  readonly requests: number
}

/** The most frequent raw paths of a range. A query that takes longer than the limit ends with an error, and at the signal. */
export async function frequentPaths(
  sql: Sql,
  table: TrafficTable,
  range: { readonly from: Date; readonly to: Date },
  { maxPaths, maxMs }: { readonly maxPaths: number; readonly maxMs: number },
  signal: AbortSignal,
): Promise<CountedPath[]> {
  return within(sql, maxMs, async (tx) => {
    const query = tx<CountedPath[]>`
      select upper(coalesce(method, '')) as method, coalesce(path, '') as path, count(*)::float8 as requests
      from ${tx(table)} where ${inRange(tx, range)}
      group by 1, 2 order by 3 desc, 2, 1 limit ${maxPaths}`
    return orCancelled(query, signal)
  })
}

/** So many requests are counted at most. */
const MAX_COUNTED = 10_000

export interface PathCounts {
  readonly requests: number
  /** Answered with 2xx or 3xx. */
  readonly successes: number
  /** Answered with 404 or 410. */
  readonly notFound: number
  /** Those that succeeded. */
  readonly clients: number
}

/**
 * Counts the requests of one raw path in a range, of one method or of all (empty), up to 10,000. An index on the path makes it
 * fast; a query that takes longer than the limit ends with an error.
 */
export async function countPath(
  sql: Sql,
  table: TrafficTable,
  { method, path }: { readonly method: string; readonly path: string },
  range: { readonly from: Date; readonly to: Date },
  maxMs: number,
): Promise<PathCounts> {
  return within(sql, maxMs, async (tx) => {
    const [row] = await tx<[PathCounts]>`
      select count(*)::int as requests, count(*) filter (where is_success)::int as successes,
        count(*) filter (where status_code in (404, 410))::int as "notFound",
        count(distinct ip_address) filter (where is_success)::int as clients
      from (
        select status_code, status_code between 200 and 399 as is_success,
          coalesce(nullif(user_id::text, ''), ip_address::text) as ip_address
        from ${tx(table)}
        where path = ${path} and (${method} = '' or upper(method) = ${method}) and ${inRange(tx, range)}
        limit ${MAX_COUNTED}
      ) counted`
    return row
  })
}
