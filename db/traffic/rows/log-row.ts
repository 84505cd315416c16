import { copyText, cut, indexable } from './row-text.js'
import { clientAddress } from '../../../models/traffic/client-address.js'
import type { LogEntry } from '../../../formats/access-log/log-entry.js'
import { DURATION_COLUMN, type TrafficTable } from '../table.js'

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
export const LOG_COLUMNS: Readonly<Record<TrafficTable, readonly string[]>> = {
  request_logs: [...SHARED, DURATION_COLUMN.request_logs],
  request_metrics: [...SHARED, DURATION_COLUMN.request_metrics, 'bytes_out', 'rate_limited'],
}

/** The lengths of the columns. */
const MAX_METHOD_LENGTH = 10
const MAX_USER_LENGTH = { request_logs: 255, request_metrics: 128 } as const
const MAX_INT = 2 ** 31 - 1

const TOO_MANY_REQUESTS = 429

/** Turns log entries into rows. */
export interface RequestRows {
  /** The row as a line of COPY's text format. @param id the request_id */
  line(entry: Readonly<LogEntry>, id: string): string
  /** The number of rows without an address: the log has a name or nothing in its place. */
  readonly withoutAddress: number
}

/**
 * No text of a log can end a cell or a row, and PostgreSQL refuses none: one bad line would undo a whole import.
 * Methods, users and paths that are longer than their columns (a path: 2,000 bytes) are cut.
 */
export function requestRows(table: TrafficTable): RequestRows {
  const timeOf = isoTimes()
  const isMetrics = table === 'request_metrics'
  const longestUser = MAX_USER_LENGTH[table]
  let withoutAddress = 0
  return {
    line(entry, id) {
      const { method, path, status, user, client, latencyMs, bytes } = entry
      const address = client === null ? null : clientAddress(client)
      if (address === null) withoutAddress++
      const start =
        `${timeOf(entry.timeMs)}\t${id}\t${method === null ? '\\N' : copyText(cut(method, MAX_METHOD_LENGTH))}\t` +
        `${path === null ? '\\N' : copyText(indexable(path))}\t${status ?? '\\N'}\t`
      const end =
        `${user === null ? '\\N' : copyText(cut(user, longestUser))}\t${address ?? '\\N'}\t` +
        `${entry.agent === null ? '\\N' : copyText(entry.agent)}\t${latencyMs === null ? '\\N' : Math.min(latencyMs, MAX_INT)}`
      return isMetrics
        ? `${start}${end}\t${bytes ?? '\\N'}\t${status === TOO_MANY_REQUESTS}\n`
        : `${start}${end}\n`
    },
    get withoutAddress() {
      return withoutAddress
    },
  }
}

/** Most requests have the same time as the request before, because logs have no fractions of a second. */
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
