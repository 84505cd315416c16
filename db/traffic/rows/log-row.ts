import { copyText, cut, indexable } from './row-text.js'
import { clientAddress } from '../../../models/traffic/client-address.js'
import type { LogEntry } from '../../../formats/access-log/log-entry.js'

/** The tables that a gateway may write its requests into. */
export type RequestTable = 'request_logs' | 'request_metrics'

const SHARED = [
  'timestamp',
  'request_id',
  'method',
  'path',
  'status_code',
  'user_id',
  'ip_address',
  'user_agent',
]

/** The columns of {@link requestRows}, in order. */
export const LOG_COLUMNS: Readonly<Record<RequestTable, readonly string[]>> = {
  request_logs: [...SHARED, 'response_time_ms'],
  request_metrics: [...SHARED, 'duration_ms', 'bytes_out', 'rate_limited'],
}

/** As long as the columns are. */
const LONGEST_METHOD = 10
const LONGEST_USER = { request_logs: 255, request_metrics: 128 } as const
const LARGEST_INT = 2 ** 31 - 1

const TOO_MANY_REQUESTS = 429

/** Turns what a log has of a request into a row. */
export interface RequestRows {
  /** The row as a line of COPY's text format. @param id the request_id */
  line(entry: Readonly<LogEntry>, id: string): string
  /** Rows that have no address, since the log has a name, or nothing, where it would be. */
  readonly withoutAddress: number
}

/**
 * No text of a log can end a cell or a row, nor be refused by PostgreSQL: one bad line would undo a whole import.
 * Methods, users and paths longer than their columns (a path: 2,000 bytes) are cut there.
 */
export function requestRows(table: RequestTable): RequestRows {
  const timeOf = isoTimes()
  const isMetrics = table === 'request_metrics'
  const longestUser = LONGEST_USER[table]
  let withoutAddress = 0
  return {
    line(entry, id) {
      const { method, path, status, user, client, latencyMs, bytes } = entry
      const address = client === null ? null : clientAddress(client)
      if (address === null) withoutAddress++
      const start =
        `${timeOf(entry.timeMs)}\t${id}\t${method === null ? '\\N' : copyText(cut(method, LONGEST_METHOD))}\t` +
        `${path === null ? '\\N' : copyText(indexable(path))}\t${status ?? '\\N'}\t`
      const end =
        `${user === null ? '\\N' : copyText(cut(user, longestUser))}\t${address ?? '\\N'}\t` +
        `${entry.agent === null ? '\\N' : copyText(entry.agent)}\t${latencyMs === null ? '\\N' : Math.min(latencyMs, LARGEST_INT)}`
      return isMetrics
        ? `${start}${end}\t${bytes ?? '\\N'}\t${status === TOO_MANY_REQUESTS}\n`
        : `${start}${end}\n`
    },
    get withoutAddress() {
      return withoutAddress
    },
  }
}

/** Most requests are of the same moment as the one before, as logs have no fractions of a second. */
function isoTimes(): (timeMs: number) => string {
  let lastMs = NaN
  let last = ''
  return (timeMs) => {
    if (timeMs === lastMs) return last
    lastMs = timeMs
    last = new Date(timeMs).toISOString()
    return last
  }
}
