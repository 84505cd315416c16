import { openPool, type Connection } from '../../db/pool.js'
import { readFolding } from '../../db/traffic/endpoint-folding.js'
import { RequestNames, streamRequests } from '../../db/traffic/request-stream.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import {
  LimitsInForce,
  type LimitInForce,
  type LimitsOutcome,
} from '../../models/rate-limit/in-force/limits-in-force.js'
import { answerTask } from '../workers/answer.js'
import type { WorkerFailure } from '../workers/worker-failure.js'

/** The requests of an incident, and the limits that they are replayed through. */
export interface LimitsTask {
  readonly connection: Connection
  /** The database that has the traffic table; null when it is the same. */
  readonly traffic: Connection | null
  readonly table: TrafficTable
  readonly ipv6Prefix: number
  readonly from: Date
  readonly to: Date
  /** One endpoint, as incidents name it; null: all requests. */
  readonly endpoint: string | null
  readonly limits: readonly LimitInForce[]
  /** The replay ends after this time, wherever it is. */
  readonly maxMs: number
}

export type LimitsAnswer = (LimitsOutcome & { readonly isComplete: boolean }) | WorkerFailure

const MAX_ENDPOINTS = 2_000

async function replay(task: LimitsTask, signal: AbortSignal): Promise<LimitsAnswer> {
  const { connection, table, from, to, endpoint, ipv6Prefix } = task
  const sql = openPool(connection, { max: 1 })
  const trafficSql = task.traffic === null ? sql : openPool(task.traffic, { max: 1 })
  try {
    const folding = await readFolding(sql, table)
    const names = new RequestNames({ byMethod: true, maxEndpoints: MAX_ENDPOINTS, ipv6Prefix, folding })
    const limits = new LimitsInForce(task.limits, names)
    const selection = { from, to, folding, names, signal, ...(endpoint !== null && { endpoint }) }
    const sinceMs = performance.now()
    for await (const batch of streamRequests(trafficSql, table, selection)) {
      limits.push(batch)
      if (performance.now() - sinceMs > task.maxMs) return { ...limits.outcome(), isComplete: false }
    }
    return { ...limits.outcome(), isComplete: true }
  } finally {
    await Promise.all([sql.end({ timeout: 1 }), trafficSql.end({ timeout: 1 })])
  }
}

await answerTask(replay, 'The replay of an incident was stopped.')
