import type { Sql } from 'postgres'
import { quantileSorted } from '../../models/statistics/quantile.js'
import type { RequestRow } from './gateway.js'

const ROWS_PER_INSERT = 1_000

/** Writes rows as a gateway does: plain inserts. */
export async function insertRequests(sql: Sql, rows: readonly RequestRow[]): Promise<void> {
  for (let start = 0; start < rows.length; start += ROWS_PER_INSERT) {
    await sql`insert into request_logs ${sql(rows.slice(start, start + ROWS_PER_INSERT))}`
  }
}

/** What the rows of a minute say. */
export interface MinuteFigures {
  readonly requests: number
  /** Share of the requests with a status of 400 or above. */
  readonly errorRate: number
  /** Of type 7; 0 without requests. */
  readonly p95Ms: number
}

export function figuresOf(rows: readonly RequestRow[]): MinuteFigures {
  const durations = Float64Array.from(rows, (row) => row.response_time_ms).sort()
  return {
    requests: rows.length,
    errorRate: rows.filter((row) => row.status_code >= 400).length / Math.max(1, rows.length),
    p95Ms: rows.length > 0 ? quantileSorted(durations, 0.95) : 0,
  }
}
