import type { Sql } from 'postgres'
import { withTimeLimit } from '../with-time-limit.js'
import type { EndpointFolding } from '../../models/traffic/endpoint-folding.js'
import { splitEndpoint } from '../../models/traffic/endpoint-name.js'
import { RequestNames, streamRequests, UNKNOWN_CLIENT, type StreamedRequests } from './request-stream.js'
import { addressOf, findTrafficSource, latencyOf } from './rollups/traffic-source.js'
import type { TrafficTable } from './table.js'
import { inRange, timeOf } from './times.js'

// What the request log says about an incident. Each question ends after a few seconds: the log may be large, and the
// incident is reported without the answer.

/** How long a question may take. */
const MAX_QUESTION_MS = 5_000

export interface IncidentRange {
  readonly from: Date
  /** Not included. */
  readonly to: Date
  /** `GET /orders/{id}`; null: all requests. */
  readonly endpoint: string | null
}

/** The clients of the requests of a range. */
export interface TopClients {
  /** The busiest first. `share` is of all requests, 0…1. */
  readonly clients: readonly { readonly client: string; readonly requests: number; readonly share: number }[]
  /** How many different clients there are. */
  readonly count: number
  readonly requests: number
  /** False when the time was over before the end of the range. */
  readonly isComplete: boolean
}

const MAX_CLIENTS = 10

export interface IncidentRequestsOptions {
  /** Which endpoint a path belongs to, as the rollups have it. */
  readonly folding: EndpointFolding
  readonly ipv6Prefix: number
  readonly signal: AbortSignal
  readonly maxMs?: number
  /** What the indexes of the batches stand for; those of a question alone, when left out. */
  readonly names?: RequestNames
  /** Takes all requests as they come, in order of time. */
  readonly onBatch?: (batch: StreamedRequests) => void
}

/** The names of clients for several questions that are compared. */
export function clientNames({
  folding,
  ipv6Prefix,
}: Pick<IncidentRequestsOptions, 'folding' | 'ipv6Prefix'>): RequestNames {
  return new RequestNames({ byMethod: false, maxEndpoints: 0, folding, ipv6Prefix })
}

/**
 * The busiest clients of a range: users, or else addresses; the addresses of an IPv6 network are one client. Requests of
 * nobody are counted, but are no client.
 *
 * @param sql the database that has the log
 */
export async function topClients(
  sql: Sql,
  table: TrafficTable,
  { from, to, endpoint }: IncidentRange,
  options: IncidentRequestsOptions,
): Promise<TopClients> {
  const { folding, signal, maxMs = MAX_QUESTION_MS, names = clientNames(options), onBatch } = options
  const counts = new Map<number, number>()
  const selection = { from, to, folding, names, ...(endpoint !== null && { endpoint }) }
  let requests = 0
  let isLate = false
  const count = async (limited: AbortSignal) => {
    limited.addEventListener('abort', () => (isLate = true))
    for await (const batch of streamRequests(sql, table, { ...selection, signal: limited })) {
      requests += batch.length
      onBatch?.(batch)
      for (let i = 0; i < batch.length; i++) {
        const client = batch.client[i]!
        if (client !== UNKNOWN_CLIENT) counts.set(client, (counts.get(client) ?? 0) + 1)
      }
    }
  }
  await withTimeLimit(maxMs, signal, count).catch((error: unknown) => {
    if (!isLate || signal.aborted) throw error
  })
  const nameOf = (client: number) => names.clients[client]!
  const busiest = [...counts]
    .sort(([a, n], [b, m]) => m - n || (nameOf(a) < nameOf(b) ? -1 : 1))
    .slice(0, MAX_CLIENTS)
  return {
    clients: busiest.map(([client, count]) => ({
      client: nameOf(client),
      requests: count,
      share: count / requests,
    })),
    count: counts.size,
    requests,
    isComplete: !isLate,
  }
}

/** A request that failed. */
export interface FailedSample {
  readonly at: Date
  readonly method: string | null
  readonly path: string | null
  readonly status: number
  readonly latencyMs: number | null
  /** A user, or else an address. */
  readonly client: string | null
}

const SAMPLES = 5
/** Rows that are looked at: the server knows no templates. */
const MAX_ROWS = 2_000
/** A log may have paths of 100,000 characters, which the incident, its answers and its readers need not have. */
const MAX_PATH_LENGTH = 2_000

/**
 * The first and the last requests of a range that were answered with 400 or above, each in order of time.
 *
 * @param sql the database that has the log
 * @throws the error of a statement that took too long
 */
export async function failingSamples(
  sql: Sql,
  table: TrafficTable,
  range: IncidentRange,
  { folding, maxMs = MAX_QUESTION_MS }: Pick<IncidentRequestsOptions, 'folding' | 'maxMs'>,
): Promise<{ readonly first: readonly FailedSample[]; readonly last: readonly FailedSample[] }> {
  const { method = '', path = '' } = range.endpoint === null ? {} : splitEndpoint(range.endpoint)
  const isMeant = (row: FailedSample) =>
    range.endpoint === null ||
    ((method === '' || row.method?.toUpperCase() === method) && folding.template(row.path ?? '') === path)
  return sql.begin('read only', async (tx) => {
    await tx`select set_config('statement_timeout', ${`${maxMs}ms`}, true)`
    const source = await findTrafficSource(tx as unknown as Sql, table)
    const prefix = range.endpoint === null ? '' : folding.prefixOf(path)
    const ofPath =
      prefix === ''
        ? tx``
        : tx`and (left(coalesce(path, ''), ${[...prefix].length}) = ${prefix} or strpos(path, '://') > 0)`
    const read = async (order: 'asc' | 'desc') => {
      const rows = await tx<FailedSample[]>`
        select ${timeOf(tx)} as at, method::text, left(path::text, ${MAX_PATH_LENGTH}) as path, status_code::int as status,
          ${latencyOf(tx as unknown as Sql, table)} as "latencyMs",
          coalesce(nullif(user_id::text, ''), ${addressOf(tx as unknown as Sql, source)}) as client
        from ${tx(table)} where ${inRange(tx, range)} and status_code >= 400
          ${method === '' ? tx`` : tx`and upper(method) = ${method}`} ${ofPath}
        order by "timestamp" ${tx.unsafe(order)} limit ${range.endpoint === null ? SAMPLES : MAX_ROWS}`
      return rows.filter(isMeant).slice(0, SAMPLES)
    }
    return { first: await read('asc'), last: (await read('desc')).reverse() }
  })
}

/**
 * How many requests a client sent in a range; the count ends at `most`.
 *
 * @param client as topClients names it
 * @returns null for a network, whose addresses are not counted
 * @throws the error of a statement that took too long
 */
export async function requestsOfClient(
  sql: Sql,
  table: TrafficTable,
  client: string,
  range: Omit<IncidentRange, 'endpoint'>,
  { most, maxMs = MAX_QUESTION_MS }: { readonly most: number; readonly maxMs?: number },
): Promise<number | null> {
  if (/^[\da-f:]+\/\d+$/.test(client)) return null
  return sql.begin('read only', async (tx) => {
    await tx`select set_config('statement_timeout', ${`${maxMs}ms`}, true)`
    const source = await findTrafficSource(tx as unknown as Sql, table)
    const [row] = await tx<[{ count: number }]>`
      select count(*)::int as count from (
        select from ${tx(table)} where ${inRange(tx, range)}
          and coalesce(nullif(user_id::text, ''), ${addressOf(tx as unknown as Sql, source)}) = ${client}
        limit ${most}) requests`
    return row.count
  })
}
