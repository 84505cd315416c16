import type { Cell, Column, Kind } from '../export/column.js'
import { ENDPOINTS } from './endpoints.js'
import type { Population } from './population.js'
import { requestIds } from './request-ids.js'
import type { RequestBatch } from './requests.js'

/** The tables that a gateway may write its requests into. */
export type RequestTable = 'request_logs' | 'request_metrics'

/** Turns generated requests into rows of one table. */
export interface RequestRows {
  readonly columns: readonly Column[]
  /** The i-th request of a batch, a cell for each column. */
  cells(batch: Readonly<RequestBatch>, i: number): Cell[]
  /** A batch as PostgreSQL's COPY reads it (text format). */
  copyText(batch: Readonly<RequestBatch>): string
}

const kinds = (columns: Record<string, Kind>): Column[] =>
  Object.entries(columns).map(([name, kind]) => ({ name, kind }))

const COLUMNS: Readonly<Record<RequestTable, readonly Column[]>> = {
  request_logs: kinds({
    timestamp: 'time',
    request_id: 'text',
    method: 'text',
    path: 'text',
    status_code: 'integer',
    response_time_ms: 'integer',
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
    duration_ms: 'integer',
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
 * The rows of one table. What a request's number decides (ids, sizes) is worked out here and not when it is drawn.
 *
 * @param seed that of the requests: the same gives the same ids
 */
export function requestRows(table: RequestTable, seed: number, population: Population): RequestRows {
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
      const { bytesIn, bytesOut, cached } = details.transfer(batch, i)
      return [...common, bytesIn, bytesOut, status === 429, cached, tier]
    },
    copyText: copyTextOf(isMetrics, details, population),
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

/** As {@link requestRows} has the cells, five times as fast: what repeats is put together beforehand. */
function copyTextOf(isMetrics: boolean, details: RequestDetails, { clients }: Population) {
  const clientText = clients.map(({ userId, address, agent }) => `${userId ?? '\\N'}\t${address}\t${agent}`)
  return (batch: Readonly<RequestBatch>): string => {
    const minute = new Date(batch.minuteMs).toISOString().slice(0, 17)
    let text = ''
    for (let i = 0; i < batch.length; i++) {
      const { method, backend } = ENDPOINTS[batch.endpoint[i]!]!
      const status = batch.status[i]!
      const client = clientText[batch.client[i]!]!
      const time = `${minute}${seconds(batch.offsetMs[i]!)}Z`
      const start = `${time}\t${details.requestId(batch, i)}\t${method}\t${details.path(batch, i)}\t${status}`
      text += `${start}\t${batch.latencyMs[i]!}\t${client}\t${backend}\t${ERRORS[status] ?? '\\N'}`
      if (isMetrics) {
        const { bytesIn, bytesOut, cached } = details.transfer(batch, i)
        text += `\t${bytesIn}\t${bytesOut}\t${status === 429}\t${cached}\t${clients[batch.client[i]!]!.tier}`
      }
      text += '\n'
    }
    return text
  }
}

const TWO_DIGITS = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, '0'))
const THREE_DIGITS = Array.from({ length: 1000 }, (_, value) => String(value).padStart(3, '0'))

/** `07.042` of 7042. */
function seconds(offsetMs: number): string {
  const whole = Math.floor(offsetMs / 1000)
  return `${TWO_DIGITS[whole]!}.${THREE_DIGITS[offsetMs - whole * 1000]!}`
}

type RequestDetails = ReturnType<typeof requestDetails>

const WORDS = ['shoes', 'red+shirt', 'lamp', 'desk', 'usb-c+cable', 'rain+jacket', 'tea', 'headphones']
/** How many carts and orders there are to ask for. */
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
    // Texts and, between them, names of what is filled in.
    const [head, first, middle, second, tail] = path.split(/[{}]/)
    if (first === undefined) return () => head!
    if (second === undefined) return (bits: number) => `${head!}${fill[first]!(bits)}${middle!}`
    return (bits: number) => `${head!}${fill[first]!(bits)}${middle!}${fill[second]!(bits >>> 12)}${tail!}`
  })
  return {
    requestId: (batch: Readonly<RequestBatch>, i: number) => ids.uuid(batch.first + i),
    path: (batch: Readonly<RequestBatch>, i: number) => paths[batch.endpoint[i]!]!(ids.bits(batch.first + i)),
    transfer: (batch: Readonly<RequestBatch>, i: number) =>
      transferOf(batch.endpoint[i]!, batch.status[i]!, ids.bits(batch.first + i)),
  }
}

/** Bytes in and out, and whether the answer came out of the cache. */
function transferOf(endpoint: number, status: number, bits: number) {
  const { method, bytes, cached: cachedShare } = ENDPOINTS[endpoint]!
  const luck = bits / 2 ** 32
  const bytesIn = Math.round((method === 'GET' || method === 'DELETE' ? 300 : 900) * (0.7 + 0.6 * luck))
  if (status >= 400) return { bytesIn, bytesOut: 120, cached: false }
  if (status === 304) return { bytesIn, bytesOut: 0, cached: true }
  return { bytesIn, bytesOut: Math.round(bytes * (0.5 + luck)), cached: luck < cachedShare }
}
