import { openPool, type Connection } from '../../db/pool.js'
import { readFolding } from '../../db/traffic/endpoint-folding.js'
import type { IncidentRange } from '../../db/traffic/incident-requests.js'
import { RequestNames, streamRequests, type StreamedRequests } from '../../db/traffic/request-stream.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import { chooseLimit, limitsToTry, type LimitEffect } from '../../models/incidents/incident-limit.js'
import { Replay } from '../../models/rate-limit/replay/replay.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'
import { answerTask } from '../workers/answer.js'
import type { WorkerFailure } from '../workers/worker-failure.js'

/** An incident, those who caused it, and the days on which the limit is tried. */
export interface RecommendTask {
  readonly connection: Connection
  /** The database that has the traffic table; null when it is the same. */
  readonly traffic: Connection | null
  readonly table: TrafficTable
  readonly ipv6Prefix: number
  readonly range: IncidentRange
  readonly causedBy: readonly string[]
  /** The days before the incident begin here. */
  readonly from: Date
  /** The replay of these days ends after this time, wherever it is. */
  readonly maxMs: number
}

/** The chosen limit; null where none is worth it. */
export interface RecommendedLimit {
  readonly effect: LimitEffect | null
  /** Of most requests of those who caused the incident; empty where none is known. */
  readonly tier: string
  /** What was replayed of the days before: from their first request to where it came. */
  readonly replayed: { readonly from: Date; readonly to: Date }
}

export type RecommendOutcome = RecommendedLimit | WorkerFailure

/** More requests of an incident than this are not needed. */
const MAX_CAUSED = 1_000_000

async function recommend(task: RecommendTask, signal: AbortSignal): Promise<RecommendedLimit> {
  const { connection, table, range, causedBy, ipv6Prefix } = task
  const sql = openPool(connection, { max: 1 })
  const trafficSql = task.traffic === null ? sql : openPool(task.traffic, { max: 1 })
  try {
    const folding = await readFolding(sql, table)
    const names = new RequestNames({ byMethod: false, maxEndpoints: 0, ipv6Prefix, folding })
    const isCulprit = culpritsAmong(names, new Set(causedBy))
    const ofEndpoint = range.endpoint === null ? {} : { endpoint: range.endpoint }
    const requests = (from: Date, to: Date) =>
      streamRequests(trafficSql, table, { from, to, folding, names, signal, ...ofEndpoint })
    const caused = await collect(requests(range.from, range.to), isCulprit)
    const limits = limitsToTry(slowest(caused))
    const replays = limits.map(newReplay)
    const replayed = await replayOthers(requests(task.from, range.from), replays, isCulprit, task)
    const effects = limits.map((limit, i): LimitEffect => {
      const own = newReplay(limit)
      for (const batch of caused) own.push(batch)
      const { requests, rejected } = own.report()
      return { limit, caused: { requests, rejected }, others: replays[i]!.report() }
    })
    const effect = chooseLimit(effects)
    return { effect: effect && plain(effect), tier: names.tiers[mostFrequentTier(caused)] ?? '', replayed }
  } finally {
    await Promise.all([sql.end({ timeout: 1 }), trafficSql.end({ timeout: 1 })])
  }
}

/** Whether an index is that of one of the culprits. */
function culpritsAmong(names: RequestNames, causedBy: ReadonlySet<string>) {
  const known: boolean[] = []
  return (client: number): boolean => (known[client] ??= causedBy.has(names.clients[client] ?? ''))
}

function newReplay(limit: number): Replay {
  return new Replay({
    rules: [{ limit, burst: limit, windowMs: MINUTE_MS }],
    ...{ algorithm: 'token_bucket', scope: 'client' },
  })
}

async function collect(
  batches: AsyncIterable<StreamedRequests>,
  isCulprit: (client: number) => boolean,
): Promise<StreamedRequests[]> {
  const caused: StreamedRequests[] = []
  let length = 0
  for await (const batch of batches) {
    const own = only(batch, isCulprit)
    caused.push(own)
    length += own.length
    if (length >= MAX_CAUSED) break
  }
  return caused
}

/** @returns what was replayed: to the end of the range, unless the time was over before */
async function replayOthers(
  batches: AsyncIterable<StreamedRequests>,
  replays: readonly Replay[],
  isCulprit: (client: number) => boolean,
  { range, maxMs }: RecommendTask,
): Promise<RecommendedLimit['replayed']> {
  const sinceMs = performance.now()
  const to = range.from
  let from = to
  if (replays.length === 0) return { from, to }
  for await (const batch of batches) {
    if (from === to) from = new Date(batch.timeMs[0]!)
    const others = only(batch, (client) => !isCulprit(client))
    for (const replay of replays) replay.push(others)
    if (performance.now() - sinceMs > maxMs) return { from, to: new Date(batch.timeMs[batch.length - 1]!) }
  }
  return { from, to }
}

/** The requests of some clients. */
function only(batch: StreamedRequests, isMeant: (client: number) => boolean): StreamedRequests {
  const places: number[] = []
  for (let i = 0; i < batch.length; i++) if (isMeant(batch.client[i]!)) places.push(i)
  if (places.length === batch.length) return batch
  const at = <T extends Float64Array | Uint32Array | Uint16Array | Uint8Array>(column: T): T => {
    const kept = new (column.constructor as new (length: number) => T)(places.length)
    places.forEach((place, i) => (kept[i] = column[place]!))
    return kept
  }
  const { timeMs, client, endpoint, tier, status, path, target } = batch
  return {
    length: places.length,
    ...{ timeMs: at(timeMs), client: at(client), endpoint: at(endpoint), tier: at(tier) },
    ...{ status: at(status), path: at(path), target: at(target) },
  }
}

/** Requests a minute of the slowest culprit, in the minutes in which it sends. */
function slowest(caused: readonly StreamedRequests[]): number {
  const minutes = new Map<number, { requests: number; minutes: number; last: number }>()
  for (const { length, timeMs, client } of caused) {
    for (let i = 0; i < length; i++) {
      const own = minutes.get(client[i]!) ?? { requests: 0, minutes: 0, last: -1 }
      const minute = Math.floor(timeMs[i]! / MINUTE_MS)
      if (minute !== own.last) own.minutes++
      own.last = minute
      own.requests++
      minutes.set(client[i]!, own)
    }
  }
  const rates = [...minutes.values()].map((own) => own.requests / own.minutes)
  return rates.length > 0 ? Math.min(...rates) : 0
}

function mostFrequentTier(caused: readonly StreamedRequests[]): number {
  const counts = new Uint32Array(256)
  for (const { length, tier } of caused) for (let i = 0; i < length; i++) counts[tier[i]!]!++
  return counts.indexOf(Math.max(...counts))
}

/** Without what a report has beside it. */
function plain({ limit, caused, others }: LimitEffect): LimitEffect {
  const { requests, rejected, clients, clientsAffected } = others
  return { limit, caused, others: { requests, rejected, clients, clientsAffected } }
}

await answerTask(recommend, 'The backtest of an incident was stopped.')
