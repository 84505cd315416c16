import { parentPort } from 'node:worker_threads'
import { incidentMinutes } from '../../db/own/incident-minutes.js'
import { openPool, type Connection } from '../../db/pool.js'
import { readFolding } from '../../db/traffic/endpoint-folding.js'
import { endpointRollups } from '../../db/traffic/profiles.js'
import { UNKNOWN_CLIENT, RequestNames, streamRequests } from '../../db/traffic/request-stream.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import { RateOptimizerFit } from '../../models/optimizer/fit.js'
import type { RateOptimizer } from '../../models/optimizer/model.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'
import { answerTask } from '../workers/answer.js'
import type { WorkerMessage } from '../workers/message.js'
import type { WorkerFailure } from '../workers/worker-failure.js'

/** The task of the worker. The rollups are up to date. */
export interface OptimizerTask {
  readonly connection: Connection
  /** The database that has the traffic table; null when it is the same. */
  readonly traffic: Connection | null
  readonly table: TrafficTable
  /** Whole minutes. */
  readonly from: Date
  readonly to: Date
  readonly exclude: readonly { readonly from: Date; readonly to: Date }[]
  readonly seed: number
  readonly ipv6Prefix: number
}

/** The result of the fit, and its cost. */
export interface FittedOptimizer {
  readonly model: RateOptimizer
  /** How many requests were read one by one, and how long that took. */
  readonly requestsRead: number
  readonly readSeconds: number
  /** Minutes that a person marked as incidents. */
  readonly incidentMinutes: number
}

/** How the fit ended. */
export type OptimizerOutcome = FittedOptimizer | WorkerFailure

const post = (message: WorkerMessage<OptimizerOutcome>): void => parentPort!.postMessage(message)

async function run(task: OptimizerTask, signal: AbortSignal): Promise<FittedOptimizer> {
  const { connection, table, from, to } = task
  const sql = openPool(connection, { max: 2 })
  const trafficSql = task.traffic === null ? sql : openPool(task.traffic, { max: 2 })
  try {
    const incidents = await incidentMinutes(sql, { from, to })
    const exclude = [...task.exclude, ...incidents]
    const excluded = exclude.map((each) => ({
      from: Math.floor(each.from.getTime() / MINUTE_MS),
      to: Math.ceil(each.to.getTime() / MINUTE_MS),
    }))
    const { endpoints: rollups, other } = await endpointRollups(sql, table, { from, to, exclude }, signal)
    const nobody = UNKNOWN_CLIENT
    const range = { from: from.getTime() / MINUTE_MS, to: to.getTime() / MINUTE_MS }
    const fit = new RateOptimizerFit(rollups, { range, excluded, seed: task.seed, nobody, other })
    const { endpoints } = fit
    const names = new RequestNames({
      ...{ byMethod: true, endpoints, maxEndpoints: endpoints.length },
      ipv6Prefix: task.ipv6Prefix,
      folding: await readFolding(sql, table),
    })
    const startedMs = Date.now()
    let requestsRead = 0
    for await (const batch of streamRequests(trafficSql, table, { from, to, names, signal })) {
      fit.arrivals.add(batch)
      requestsRead += batch.length
      const reached = batch.timeMs[batch.length - 1]! - from.getTime()
      post({ progress: reached / (to.getTime() - from.getTime()) })
    }
    const readSeconds = (Date.now() - startedMs) / 1000
    const model = fit.model((client) => {
      return { client: names.clients[client]!, kind: names.clientKinds[client]! }
    })
    return { model, requestsRead, readSeconds, incidentMinutes: minutesIn(incidents) }
  } finally {
    await Promise.all([sql.end({ timeout: 1 }), trafficSql.end({ timeout: 1 })])
  }
}

const minutesIn = (ranges: readonly { readonly from: Date; readonly to: Date }[]) =>
  ranges.reduce((sum, { from, to }) => sum + Math.ceil((to.getTime() - from.getTime()) / MINUTE_MS), 0)

await answerTask(run, 'The run was stopped.')
