import { withHost } from '../../../models/traffic/absolute-path.js'
import { clientAddress } from '../../../models/traffic/client-address.js'
import { DURATION_COLUMN, type TrafficTable } from '../table.js'
import type { TableShape } from '../../table-columns.js'
import { timeText } from '../times.js'
import { copyText, cut, indexable } from './row-text.js'
import { unknownCell } from './unknown-value.js'

/** A request that a gateway reports; API names and units, each value one that the interface allows. */
export interface IngestedRequest {
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly method: string
  readonly path: string
  /** The host that was asked for. */
  readonly host?: string | undefined
  readonly status_code: number
  readonly response_time_ms?: number | undefined
  readonly user_id?: string | undefined
  readonly ip_address?: string | undefined
  readonly user_agent?: string | undefined
  readonly backend?: string | undefined
  readonly request_id?: string | undefined
  readonly error?: string | undefined
}

type Field = keyof IngestedRequest | 'rate_limited'

/** Columns that have the name of their field. */
const ALIKE = [
  'timestamp',
  'method',
  'path',
  'status_code',
  'user_id',
  'ip_address',
  'user_agent',
  'request_id',
] as const satisfies Field[]

/** What goes into each column of a traffic table. */
const FIELDS: Readonly<Record<TrafficTable, readonly (readonly [column: string, field: Field])[]>> = {
  request_logs: [
    ...ALIKE.map((name) => [name, name] as const),
    [DURATION_COLUMN.request_logs, 'response_time_ms'],
    ['backend_name', 'backend'],
    ['error_message', 'error'],
  ],
  request_metrics: [
    ...ALIKE.map((name) => [name, name] as const),
    [DURATION_COLUMN.request_metrics, 'response_time_ms'],
    ['backend', 'backend'],
    ['error', 'error'],
    ['rate_limited', 'rate_limited'],
  ],
}

/** The columns without which the requests of a table are of no use. */
export const NEEDED_COLUMNS = ['timestamp', 'method', 'path', 'status_code']

const TOO_MANY_REQUESTS = 429

/** Turns reported requests into rows. */
export interface IngestedRows {
  readonly columns: readonly string[]
  /** The row as a line of COPY's text format. @param timeMs of its timestamp, since 1970 */
  line(request: IngestedRequest, timeMs: number): string
}

/**
 * Rows for a table as it is. A gateway's own may lack columns, which are left out. It may have shorter ones, where
 * texts are cut, so that PostgreSQL does not refuse a batch for one long name. And it may take no null: see
 * unknownCell.
 *
 * @param withHosts whether a path has its host before it, where that is known
 */
export function ingestedRows(table: TrafficTable, shape: TableShape, withHosts = false): IngestedRows {
  const timeOf = timeText(shape)
  const cells = FIELDS[table].flatMap(([name, field]) => {
    const column = shape.columns.get(name)
    return column ? [{ ...column, field, unknown: unknownCell(column) }] : []
  })
  return {
    columns: cells.map(({ name }) => name),
    line(request, timeMs) {
      const texts = cells.map(({ field, maxLength, unknown }) => {
        if (field === 'timestamp') return timeOf(timeMs)
        const value = valueOf(request, field, withHosts)
        return value === null ? unknown() : copyText(cut(value, maxLength))
      })
      return `${texts.join('\t')}\n`
    },
  }
}

function valueOf(
  request: IngestedRequest,
  field: Exclude<Field, 'timestamp'>,
  withHosts: boolean,
): string | null {
  switch (field) {
    case 'method':
      return request.method.toUpperCase()
    case 'path':
      return indexable(pathOf(request, withHosts))
    case 'status_code':
      return String(request.status_code)
    case 'response_time_ms':
      return request.response_time_ms === undefined ? null : String(Math.round(request.response_time_ms))
    case 'ip_address':
      return request.ip_address === undefined ? null : clientAddress(request.ip_address)
    case 'rate_limited':
      return String(request.status_code === TOO_MANY_REQUESTS)
    default:
      return request[field] ?? null
  }
}

function pathOf({ path, host }: IngestedRequest, withHosts: boolean): string {
  const plain = path.split('?', 1)[0]!
  return withHosts ? withHost(plain, host) : plain
}
