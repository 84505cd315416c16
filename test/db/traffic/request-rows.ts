import type { Sql } from 'postgres'
import { DURATION_COLUMN, type TrafficTable } from '../../../db/traffic/table.js'
import { createRandom } from '../../../models/statistics/random.js'

/** A request as the tables hold it. */
export interface RequestRow {
  readonly at: Date
  readonly method: string | null
  readonly path: string | null
  readonly status: number | null
  readonly latency: number | null
  readonly user: string | null
  readonly ip: string | null
}

const PATHS = [
  '/api/users/17',
  '/api/users/18?full=1',
  '/api/orders',
  '/a "quoted", path',
  '/two\r\nlines\tand \\ more',
  '/🚀/ü',
  '=HYPERLINK("http://x","y")',
  '+1',
  '-2+3',
  '@SUM(A1)',
  '\tx',
  `/${'long/'.repeat(2000)}`,
  '',
  null,
]

/** Requests at random moments of a range, with everything that real traffic has and should not. */
export function randomRequests(count: number, from: Date, to: Date, seed: number): RequestRow[] {
  const random = createRandom(seed)
  const of = <T>(values: readonly T[]): T => values[random.integer(values.length)]!
  const span = to.getTime() - from.getTime()
  return Array.from({ length: count }, () => ({
    at: new Date(from.getTime() + Math.floor(random.uniform() * span)),
    method: of(['GET', 'GET', 'post', '=1+1', null]),
    path: of(PATHS),
    status: of([200, 200, 204, 301, 404, 429, 500, 503, 0, 700, null]),
    latency: of([null, -1, 0, random.integer(50), random.integer(2000), 2_000_000_000]),
    user: of([null, `user ${random.integer(20)}`]),
    ip: of([null, `10.0.0.${random.integer(30)}`]),
  }))
}

export async function insertRequests(
  sql: Sql,
  table: TrafficTable,
  rows: readonly RequestRow[],
): Promise<void> {
  const duration = sql(DURATION_COLUMN[table])
  const ip = table === 'request_logs' ? sql`ip::inet` : sql`ip`
  await sql`
    insert into ${sql(table)} ("timestamp", method, path, status_code, ${duration}, user_id, ip_address)
    select at, method, path, status, latency, "user", ${ip}
    from jsonb_to_recordset(${sql.json(rows as never)})
      as rows(at timestamptz, method text, path text, status int, latency int, "user" text, ip text)`
}
