import { randomUUID } from 'node:crypto'
import type { Sql } from 'postgres'
import { recordTouchedRange } from '../../db/traffic/rollups.js'
import { quantileSorted } from '../../models/statistics/quantile.js'
import type { FinishedRequest } from './gateway.js'

/** A minute of traffic as a gateway reports it to POST /detect. */
export interface MinuteReport {
  readonly timestamp: string
  readonly requests_per_second: number
  readonly avg_latency_ms: number
  readonly p95_latency_ms: number
  readonly p99_latency_ms: number
  readonly error_rate: number
  readonly total_requests: number
}

/** A clock that runs sixty times as fast as real time: one second is one minute. */
export interface VirtualClock {
  /** Minute 0 begins here, on the clock of performance.now(). */
  readonly startMs: number
  /** The same moment in virtual time: a whole minute, milliseconds since 1970. */
  readonly epochMs: number
}

export type RequestRow = ReturnType<typeof toRow>

export interface Recorder {
  record(request: FinishedRequest): void
  /** Reports a minute that is over, and starts to write its requests to the table. */
  closeMinute(minute: number): MinuteReport
  /** Resolves when every closed minute is in the table. */
  flush(): Promise<void>
}

const REAL_MS_PER_MINUTE = 1000
const SPEED = 60
const ROWS_PER_INSERT = 500

const minuteAt = ({ startMs }: VirtualClock, nowMs: number) =>
  Math.floor((nowMs - startMs) / REAL_MS_PER_MINUTE)
export const endOfMinute = ({ startMs }: VirtualClock, minute: number) =>
  startMs + (minute + 1) * REAL_MS_PER_MINUTE
const virtualTime = ({ startMs, epochMs }: VirtualClock, nowMs: number) =>
  new Date(epochMs + (nowMs - startMs) * SPEED)

/**
 * Turns every request into a row of request_logs, with the virtual time of its response. Computes the reports from
 * the same requests, so that rows and reports agree. Requests that ended before minute 0 are not recorded.
 *
 * @param insert stores rows; it is called again only after it has finished
 */
export function createRecorder(
  clock: VirtualClock,
  insert: (rows: RequestRow[]) => Promise<unknown>,
): Recorder {
  const minutes = new Map<number, FinishedRequest[]>()
  let writing: Promise<unknown> = Promise.resolve()
  return {
    record(request) {
      const minute = minuteAt(clock, request.endedMs)
      if (minute < 0) return
      const requests = minutes.get(minute)
      if (requests) requests.push(request)
      else minutes.set(minute, [request])
    },
    closeMinute(minute) {
      const requests = minutes.get(minute) ?? []
      minutes.delete(minute)
      const rows = requests.map((request) => toRow(request, clock))
      if (rows.length > 0) writing = writing.then(() => insert(rows))
      writing.catch(() => undefined) // flush reports it
      return sumUp(requests, new Date(clock.epochMs + minute * REAL_MS_PER_MINUTE * SPEED))
    },
    async flush() {
      await writing
    },
  }
}

/** Removes the traffic of the last demo. The rollups follow at the next update. */
export async function forgetRequests(sql: Sql): Promise<void> {
  await sql.begin(async (tx) => {
    const [range] = await tx<{ from: Date | null; to: Date | null }[]>`
      select min(timestamp) as from, max(timestamp) as to from request_logs`
    await tx`truncate request_logs`
    if (range?.from && range.to) {
      await recordTouchedRange(tx, 'request_logs', { from: range.from, to: range.to })
    }
  })
}

/** Writes rows as a gateway does: plain inserts of some hundred rows. */
export async function insertRequests(sql: Sql, rows: readonly RequestRow[]): Promise<void> {
  for (let start = 0; start < rows.length; start += ROWS_PER_INSERT) {
    await sql`insert into request_logs ${sql(rows.slice(start, start + ROWS_PER_INSERT))}`
  }
}

/** Aggregates requests. Percentiles are those of percentile_cont, over whole milliseconds as in the table. */
function sumUp(requests: readonly FinishedRequest[], start: Date): MinuteReport {
  const count = requests.length
  const durations = Float64Array.from(requests, ({ durationMs }) => Math.round(durationMs)).sort()
  const failed = requests.filter(({ status }) => status >= 400).length
  const percentile = (p: number) => (count > 0 ? quantileSorted(durations, p) : 0)
  return {
    timestamp: start.toISOString(),
    requests_per_second: count / 60,
    avg_latency_ms: durations.reduce((sum, each) => sum + each, 0) / Math.max(count, 1),
    p95_latency_ms: percentile(0.95),
    p99_latency_ms: percentile(0.99),
    error_rate: failed / Math.max(count, 1),
    total_requests: count,
  }
}

function toRow(request: FinishedRequest, clock: VirtualClock) {
  return {
    timestamp: virtualTime(clock, request.endedMs),
    method: request.method,
    path: request.path,
    status_code: request.status,
    response_time_ms: Math.round(request.durationMs),
    user_id: request.userId,
    ip_address: request.address,
    user_agent: request.userAgent,
    backend_name: request.backend,
    request_id: randomUUID(),
  }
}
