import type { Sql } from 'postgres'
import type { EndpointFolding } from '../../models/traffic/endpoint-folding.js'
import { copyOut } from './copy-out.js'
import { readFolding } from './endpoint-folding.js'
import { CopiedRows } from './request-stream/copied-rows.js'
import { EndpointFilter } from './request-stream/endpoint-filter.js'
import type { RequestNames } from './request-stream/request-names.js'
import { addressText, findTrafficSource, type TrafficSource } from './rollups/traffic-source.js'
import type { TrafficTable } from './table.js'
import { inRangeText, TIME } from './times.js'

export { RequestNames, UNKNOWN_CLIENT } from './request-stream/request-names.js'

/** Requests in columns, in order of time; the first `length` entries of each count. */
export interface StreamedRequests {
  readonly length: number
  /** Whole milliseconds since 1970, ascending from batch to batch. */
  readonly timeMs: Float64Array
  /** Index into the names, or UNKNOWN_CLIENT. */
  readonly client: Uint32Array
  /** Index into the names, or OTHER. */
  readonly endpoint: Uint32Array
  /** Index into the names; 0 where none is known. */
  readonly tier: Uint8Array
  /** HTTP status; 0 where there is none. */
  readonly status: Uint16Array
  /** Hashes of the path without and with its query string; see hashPath. */
  readonly path: Uint32Array
  readonly target: Uint32Array
}

export interface RequestSelection {
  readonly from: Date
  /** Not included. */
  readonly to: Date
  /** A template (`/users/{id}`) with all its methods, or with one (`GET /users/{id}`); left out: all requests. */
  readonly endpoint?: string
  /** Which endpoint a path belongs to; as the rollups of the same database have it, when left out. */
  readonly folding?: EndpointFolding
  /** What the indexes stand for; they grow with the stream. */
  readonly names: RequestNames
  readonly signal: AbortSignal
}

/** The number of requests in a batch. */
const BATCH = 16_384

/** How long it waits for a lock of another session. */
const LOCK_TIMEOUT = '10s'

/**
 * The stored requests of a range in order of time. The reader sets the pace, and the memory is that of the names and
 * a batch. It has a connection of its own, beside the pool. A client is the user, or else the address; the
 * addresses of an IPv6 network are one client.
 *
 * @throws TrafficTableError when the table lacks columns; the reason of the signal, which ends the query
 */
export async function* streamRequests(
  sql: Sql,
  table: TrafficTable,
  { from, to, endpoint, folding, names, signal }: RequestSelection,
): AsyncGenerator<StreamedRequests, void> {
  let filter: EndpointFilter | undefined
  const prepare = async (connection: Sql) => {
    await connection`select set_config('lock_timeout', ${LOCK_TIMEOUT}, false)`
    await connection`select set_config('standard_conforming_strings', 'on', false)`
    const source = await findTrafficSource(connection, table)
    if (endpoint !== undefined)
      filter = new EndpointFilter(endpoint, folding ?? (await readFolding(connection, table)))
    const condition = inRangeText({ from, to })
    return queryText(source, filter ? `${condition} and ${filter.condition()}` : condition)
  }
  const rows = new CopiedRows()
  let batch = emptyBatch()
  for await (const piece of copyOut(sql, 'binary', prepare, signal)) {
    rows.add(piece)
    while (rows.next()) {
      if (filter?.accepts(rows) === false) continue
      put(rows, names, batch)
      if (batch.length < BATCH) continue
      yield batch
      batch = emptyBatch()
    }
  }
  if (batch.length > 0) yield batch
}

function queryText(source: TrafficSource, condition: string): string {
  return `
    select ${TIME}, coalesce(status_code, 0)::int, coalesce(nullif(user_id::text, ''), ${addressText(source)}),
      ${source.hasTier ? 'tier::text' : 'null::text'}, method::text, path::text,
      coalesce(user_id::text, '') <> ''
    from ${source.table} where ${condition} order by ${TIME}`
}

type Batch = StreamedRequests & { length: number }

function emptyBatch(): Batch {
  return {
    length: 0,
    timeMs: new Float64Array(BATCH),
    client: new Uint32Array(BATCH),
    endpoint: new Uint32Array(BATCH),
    tier: new Uint8Array(BATCH),
    status: new Uint16Array(BATCH),
    path: new Uint32Array(BATCH),
    target: new Uint32Array(BATCH),
  }
}

const hashes = { path: 0, target: 0 }

function put(rows: CopiedRows, names: RequestNames, batch: Batch): void {
  const i = batch.length++
  batch.timeMs[i] = rows.timeMs
  batch.client[i] = names.clientOf(rows)
  batch.endpoint[i] = names.endpointOf(rows)
  batch.tier[i] = names.tierOf(rows)
  batch.status[i] = Math.max(0, rows.status)
  rows.hashPath(hashes)
  batch.path[i] = hashes.path
  batch.target[i] = hashes.target
}
