import type { Sql } from 'postgres'

/** The tables of requests that a gateway may write, and what they call a request's duration. */
export const DURATION_COLUMN = { request_logs: 'response_time_ms', request_metrics: 'duration_ms' } as const

export type TrafficTable = keyof typeof DURATION_COLUMN

/** Figures of one minute, in the order of the columns of a training matrix. */
type MinuteRow = { figures: [number, number, number, number, number] }

/** Minutes fetched at a time. */
const PAGE = 5000

/** How long a lock of somebody else is waited for. */
const LOCK_TIMEOUT = '10s'

/**
 * What each minute of a range was like: requests a second, average, 95th and 99th percentile of the latency
 * in milliseconds (percentile_cont: type 7), share of requests answered with 400 or above. A latency below
 * zero is no latency. A minute without a row is unknown, not zero, and one without a single latency cannot be
 * judged: both are left out.
 *
 * @param from a whole minute, included
 * @param to a whole minute, not included
 * @param signal ends the query
 * @returns `[nMinutes, 5]`, row-major, in order of time
 */
export async function minuteFigures(
  sql: Sql,
  table: TrafficTable,
  { from, to }: { from: Date; to: Date; exclude?: unknown },
  signal: AbortSignal,
): Promise<Float64Array> {
  const duration = sql(DURATION_COLUMN[table])
  const pages = await sql.begin('read only', async (tx) => {
    await tx`select set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`
    const query = tx<MinuteRow[]>`
      select array[
        count(*) / 60.0,
        avg(${duration}) filter (where ${duration} >= 0),
        percentile_cont(0.95) within group (order by ${duration}) filter (where ${duration} >= 0),
        percentile_cont(0.99) within group (order by ${duration}) filter (where ${duration} >= 0),
        avg((coalesce(status_code, 0) >= 400)::int)
      ]::float8[] as figures
      from ${sql(table)}
      where timestamp >= ${from} and timestamp < ${to}
      group by date_trunc('minute', timestamp)
      having count(${duration}) filter (where ${duration} >= 0) > 0
      order by date_trunc('minute', timestamp)`
    const cancel = () => void Promise.resolve(query.cancel()).catch(() => undefined)
    signal.addEventListener('abort', cancel, { once: true })
    try {
      const pages: Float64Array[] = []
      for await (const rows of query.cursor(PAGE)) {
        pages.push(Float64Array.from(rows.flatMap(({ figures }) => figures)))
      }
      return pages
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  })
  const samples = new Float64Array(pages.reduce((sum, page) => sum + page.length, 0))
  let offset = 0
  for (const page of pages) {
    samples.set(page, offset)
    offset += page.length
  }
  return samples
}
