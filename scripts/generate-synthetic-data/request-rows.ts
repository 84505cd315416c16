import type { Cell, Column, Kind } from '../../formats/export/column.js'
import { DURATION_COLUMN, type TrafficTable } from '../../db/traffic/table.js'
import { csvCell } from '../../formats/export/csv.js'
import { ENDPOINTS } from '../../models/synthetic/endpoints.js'
import type { Population } from '../../models/synthetic/population.js'
import { requestIds } from '../../models/synthetic/request-ids.js'
import type { RequestBatch } from '../../models/synthetic/requests.js'

/** Turns generated requests into rows of one table. */
export interface RequestRows {
  readonly columns: readonly Column[]
  /** The i-th request of a batch, one cell per column. */
  cells(batch: Readonly<RequestBatch>, i: number): Cell[]
  /** The batch as lines of text. */
  lines(batch: Readonly<RequestBatch>): string
}

/** A format of text lines. */
export interface Dialect {
  readonly separator: string
  /** How a missing value is written. */
  readonly missing: string
  readonly end: string
  /** A text, escaped. */
  quoted(text: string): string
}

/** As PostgreSQL's COPY reads it (text format). */
export const COPY_TEXT: Dialect = {
  separator: '\t',
  missing: '\\N',
  end: '\n',
  quoted: (text) => text.replace(/[\\\t\n\r]/g, (character) => `\\${character}`),
}

/** As {@link csvRow} writes it. */
export const CSV: Dialect = { separator: ',', missing: '', end: '\r\n', quoted: csvCell }

const kinds = (columns: Record<string, Kind>): Column[] =>
  Object.entries(columns).map(([name, kind]) => ({ name, kind }))

const COLUMNS: Readonly<Record<TrafficTable, readonly Column[]>> = {
  request_logs: kinds({
    timestamp: 'time',
    request_id: 'text',
    method: 'text',
    path: 'text',
    status_code: 'integer',
    [DURATION_COLUMN.request_logs]: 'integer',
    user_id: 'text',
    ip_address: 'text',
    user_agent: 'text',
    backend_name: 'text',
    error_message: 'text',
  }),
  request_metrics: kinds({
    timestamp: 'time',
    request_id: 'text',
    method: 'text',
    path: 'text',
    status_code: 'integer',
    [DURATION_COLUMN.request_metrics]: 'integer',
    user_id: 'text',
    ip_address: 'text',
    user_agent: 'text',
    backend: 'text',
    error: 'text',
    bytes_in: 'integer',
    bytes_out: 'integer',
    rate_limited: 'boolean',
    cached: 'boolean',
    tier: 'text',
  }),
}

/**
 * The rows of one table. Values that follow from the number of a request (ids, sizes) are computed here.
 *
 * @param dialect format of {@link RequestRows.lines}
 * @param seed seed of the requests; the same seed gives the same ids
 */
export function requestRows(
  table: TrafficTable,
  dialect: Dialect,
  seed: number,
  population: Population,
): RequestRows {
  const details = requestDetails(seed)
  const { clients } = population
  const isMetrics = table === 'request_metrics'
  return {
    columns: COLUMNS[table],
    cells(batch, i) {
      const { method, backend } = ENDPOINTS[batch.endpoint[i]!]!
      const { userId, address, agent, tier } = clients[batch.client[i]!]!
      const status = batch.status[i]!
      const time = new Date(batch.minuteMs + batch.offsetMs[i]!)
      const start = [time, details.requestId(batch, i), method, details.path(batch, i), status]
      const common = [...start, batch.latencyMs[i]!, userId, address, agent, backend, ERRORS[status] ?? null]
      if (!isMetrics) return common
      const { bytesIn, bytesOut, cached } = transferOf(batch.endpoint[i]!, status, details.luck(batch, i))
      return [...common, bytesIn, bytesOut, status === 429, cached, tier]
    },
    lines: linesOf(isMetrics, dialect, details, population),
  }
}

const ERRORS: Readonly<Record<number, string>> = {
  400: 'malformed request',
  401: 'no valid token',
  403: 'not allowed',
  404: 'not found',
  422: 'validation failed',
  429: 'rate limit exceeded',
  500: 'internal error',
  502: 'bad answer from the backend',
  503: 'backend unavailable',
  504: 'backend timed out',
}

/** Writes the cells as text. Repeated parts are prepared once, which is several times as fast. */
function linesOf(isMetrics: boolean, dialect: Dialect, details: RequestDetails, { clients }: Population) {
  const { separator: s, missing, end } = dialect
  const quoted = (text: string | null) => (text === null ? missing : dialect.quoted(text))
  const zones = MILLISECONDS.map((text) => `${text}Z${s}`)
  const methods = ENDPOINTS.map(({ method }) => `${s}${quoted(method)}${s}`)
  const statuses = Array.from({ length: 600 }, (_, status) => `${s}${status}${s}`)
  const people = clients.map(
    ({ userId, address, agent }) => `${s}${[userId, address, agent].map(quoted).join(s)}${s}`,
  )
  const backends = ENDPOINTS.map(({ backend }) => `${quoted(backend)}${s}`)
  const errors = statuses.map((_, status) => quoted(ERRORS[status] ?? null))
  const tiers = clients.map(({ tier }) => `${quoted(tier)}${end}`)
  const transfers = isMetrics ? transferTexts(s) : undefined
  return (batch: Readonly<RequestBatch>): string => {
    const minute = new Date(batch.minuteMs).toISOString().slice(0, 17)
    let text = ''
    for (let i = 0; i < batch.length; i++) {
      const offset = batch.offsetMs[i]!
      const second = Math.floor(offset / 1000)
      const endpoint = batch.endpoint[i]!
      const client = batch.client[i]!
      const status = batch.status[i]!
      text += minute + SECONDS[second]! + zones[offset - second * 1000]! + details.requestId(batch, i)
      text += methods[endpoint]! + details.path(batch, i) + statuses[status]! + batch.latencyMs[i]!
      text += people[client]! + backends[endpoint]! + errors[status]!
      text += transfers ? transfers(endpoint, status, details.luck(batch, i)) + tiers[client]! : end
    }
    return text
  }
}

const SECONDS = Array.from({ length: 60 }, (_, value) => `${String(value).padStart(2, '0')}.`)
const MILLISECONDS = Array.from({ length: 1000 }, (_, value) => String(value).padStart(3, '0'))

/** The columns from bytes_in to cached, with a separator at both ends, by endpoint, kind of status and luck. */
function transferTexts(s: string) {
  const texts = ENDPOINTS.flatMap((_, endpoint) =>
    KINDS.flatMap((status) =>
      Array.from({ length: LUCKS }, (_, luck) => {
        const { bytesIn, bytesOut, cached } = transferOf(endpoint, status, luck)
        return `${s}${bytesIn}${s}${bytesOut}${s}${status === 429}${s}${cached}${s}`
      }),
    ),
  )
  const kindOf = (status: number) => {
    if (status < 400) return status === 304 ? 1 : 0
    return status === 429 ? 3 : 2
  }
  return (endpoint: number, status: number, luck: number): string =>
    texts[(endpoint * KINDS.length + kindOf(status)) * LUCKS + luck]!
}

/** One status of each kind: success, not modified, failure, too many requests. */
const KINDS = [200, 304, 500, 429]

type RequestDetails = ReturnType<typeof requestDetails>

const WORDS = ['shoes', 'red+shirt', 'lamp', 'desk', 'usb-c+cable', 'rain+jacket', 'tea', 'headphones']
/** Number of different carts and orders. */
const ENTITIES = 4096
const NUMBERS = 20_000

function requestDetails(seed: number) {
  const ids = requestIds(seed + 0.75)
  const entities = requestIds(seed + 0.875)
  const uuids = Array.from({ length: ENTITIES }, (_, n) => entities.uuid(n))
  const fill: Readonly<Record<string, (bits: number) => string | number>> = {
    number: (bits) => 1 + (bits % NUMBERS),
    uuid: (bits) => uuids[bits % ENTITIES]!,
    word: (bits) => WORDS[bits % WORDS.length]!,
  }
  const paths = ENDPOINTS.map(({ path }) => {
    // Fixed texts, and between them the names of the placeholders.
    const [head = '', first, middle = '', second, tail = ''] = path.split(/[{}]/)
    if (first === undefined) return () => head
    const one = fill[first]!
    if (second === undefined) return (bits: number) => head + one(bits) + middle
    const other = fill[second]!
    return (bits: number) => head + one(bits) + middle + other(bits >>> 12) + tail
  })
  return {
    requestId: (batch: Readonly<RequestBatch>, i: number) => ids.uuid(batch.first + i),
    path: (batch: Readonly<RequestBatch>, i: number) => paths[batch.endpoint[i]!]!(ids.bits(batch.first + i)),
    luck: (batch: Readonly<RequestBatch>, i: number) => ids.bits(batch.first + i) >>> 24,
  }
}

const LUCKS = 256

/**
 * Bytes in and out, and whether the response came from the cache.
 *
 * @param luck a whole number below LUCKS
 */
function transferOf(endpoint: number, status: number, luck: number) {
  const { method, bytes, cached: cachedShare } = ENDPOINTS[endpoint]!
  const share = luck / LUCKS
  const bytesIn = Math.round((method === 'GET' || method === 'DELETE' ? 300 : 900) * (0.7 + 0.6 * share))
  if (status >= 400) return { bytesIn, bytesOut: 120, cached: false }
  if (status === 304) return { bytesIn, bytesOut: 0, cached: true }
  return { bytesIn, bytesOut: Math.round(bytes * (0.5 + share)), cached: share < cachedShare }
}
