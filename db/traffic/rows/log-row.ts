import type { LogEntry } from '../../../formats/access-log/log-entry.js'
import { withHost } from '../../../models/traffic/absolute-path.js'
import { clientAddress } from '../../../models/traffic/client-address.js'
import type { TableShape } from '../../table-columns.js'
import { DURATION_COLUMN, type TrafficTable } from '../table.js'
import { timeText } from '../times.js'
import { copyText, cut, indexable } from './row-text.js'
import { unknownCell } from './unknown-value.js'

/** The columns that {@link requestRows} needs. */
export const NEEDED_LOG_COLUMNS = ['timestamp', 'request_id', 'method', 'path', 'status_code']

const MAX_INT = 2 ** 31 - 1

const TOO_MANY_REQUESTS = 429

/** Turns log entries into rows. */
export interface RequestRows {
  readonly columns: readonly string[]
  /** The row as a line of COPY's text format. @param id the request_id */
  line(entry: Readonly<LogEntry>, id: string): string
  /** The number of rows without an address: the log has a name or nothing in its place. */
  readonly withoutAddress: number
}

/** The value of a column; null where the log has none. */
type Value = (entry: Readonly<LogEntry>, maxLength: number) => string | null

const text = (value: string | null, maxLength: number) =>
  value === null ? null : copyText(cut(value, maxLength))

const VALUES: Readonly<Record<string, Value>> = {
  method: ({ method }, maxLength) => text(method, maxLength),
  path: ({ path }, maxLength) => (path === null ? null : text(indexable(path), maxLength)),
  status_code: ({ status }) => (status === null ? null : String(status)),
  user_id: ({ user }, maxLength) => text(user, maxLength),
  ip_address: ({ client }) => (client === null ? null : clientAddress(client)),
  user_agent: ({ agent }, maxLength) => text(agent, maxLength),
}

const ofDuration: Value = ({ latencyMs }) =>
  latencyMs === null ? null : String(Math.min(latencyMs, MAX_INT))

const COLUMNS: Readonly<Record<TrafficTable, Readonly<Record<string, Value>>>> = {
  request_logs: { ...VALUES, [DURATION_COLUMN.request_logs]: ofDuration },
  request_metrics: {
    ...VALUES,
    [DURATION_COLUMN.request_metrics]: ofDuration,
    bytes_out: ({ bytes }) => (bytes === null ? null : String(bytes)),
    rate_limited: ({ status }) => String(status === TOO_MANY_REQUESTS),
  },
}

/**
 * No text of a log can end a cell or a row, and PostgreSQL refuses none: one bad line would undo a whole import. Texts
 * that are longer than their columns (a path: 2,000 bytes) are cut. What is unknown is null, or see unknownCell.
 *
 * @param withHosts whether a path has its host before it, where the log says it
 */
export function requestRows(table: TrafficTable, shape: TableShape, withHosts = false): RequestRows {
  const timeOf = remembered(timeText(shape))
  const cells = Object.entries(COLUMNS[table]).flatMap(([name, value]) => {
    const column = shape.columns.get(name)
    return column ? [{ name, value, maxLength: column.maxLength, unknown: unknownCell(column) }] : []
  })
  let withoutAddress = 0
  return {
    columns: ['timestamp', 'request_id', ...cells.map(({ name }) => name)],
    line(entry, id) {
      const request = withHosts ? hosted(entry) : entry
      let line = `${timeOf(entry.timeMs)}\t${id}`
      for (const { name, value, maxLength, unknown } of cells) {
        const cell = value(request, maxLength)
        if (cell === null && name === 'ip_address') withoutAddress++
        line += `\t${cell ?? unknown()}`
      }
      return `${line}\n`
    },
    get withoutAddress() {
      return withoutAddress
    },
  }
}

function hosted(entry: Readonly<LogEntry>): Readonly<LogEntry> {
  return entry.path === null ? entry : { ...entry, path: withHost(entry.path, entry.host) }
}

/** Most requests have the same time as the request before, because logs have no fractions of a second. */
function remembered(timeOf: (timeMs: number) => string): (timeMs: number) => string {
  let lastMs = NaN
  let last = ''
  return (timeMs) => {
    if (timeMs === lastMs) return last
    lastMs = timeMs
    last = timeOf(timeMs)
    return last
  }
}
