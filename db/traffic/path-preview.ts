import type { Sql } from 'postgres'
import { inRange } from './times.js'
import type { TrafficTable } from './table.js'

export interface CountedPath {
  readonly method: string
  readonly path: string
  readonly requests: number
}

/** The most frequent raw paths of a range. A query that takes longer than the limit ends with an error. */
export async function frequentPaths(
  sql: Sql,
  table: TrafficTable,
  range: { readonly from: Date; readonly to: Date },
  { maxPaths, maxMs }: { readonly maxPaths: number; readonly maxMs: number },
): Promise<CountedPath[]> {
  return sql.begin('read only', async (tx) => {
    await tx`select set_config('statement_timeout', ${String(maxMs)}, true)`
    return tx<CountedPath[]>`
      select upper(coalesce(method, '')) as method, coalesce(path, '') as path, count(*)::float8 as requests
      from ${tx(table)} where ${inRange(tx, range)}
      group by 1, 2 order by 3 desc, 2, 1 limit ${maxPaths}`
  })
}
