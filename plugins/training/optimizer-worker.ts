import { parentPort, workerData } from 'node:worker_threads'
import postgres from 'postgres'
import type { Connection } from '../../db/embedded/embedded-postgres.js'
import { endpointRollups, incidentMinutes } from '../../db/traffic/profiles.js'
import { NOBODY, RequestNames, streamRequests } from '../../db/traffic/request-stream.js'
import { TrafficTableError } from '../../db/traffic/rollups.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import { OptimizerFit } from '../../models/optimizer/fit.js'
import type { RateOptimizer } from '../../models/optimizer/model.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'

/** What a worker is started with. The rollups are up to date. */
export interface OptimizerTask {
  readonly connection: Connection
  readonly table: TrafficTable
  /** Whole minutes. */
  readonly from: Date
  readonly to: Date
  readonly exclude: readonly { readonly from: Date; readonly to: Date }[]
  readonly seed: number
}

/** What was learned, and what it cost. */
export interface FittedOptimizer {
  readonly model: RateOptimizer
  /** Requests that were read one by one, and how long that took. */
  readonly requestsRead: number
  readonly readSeconds: number
  /** Minutes that a person has marked as incidents. */
  readonly incidentMinutes: number
}

/** What it posts: progress, and once how it ended. An error travels as what it is known by. */
export type OptimizerMessage =
  | { readonly progress: number }
  | { readonly fitted: FittedOptimizer }
  | { readonly failed: { message: string; code: string | undefined; missing: readonly string[] | null } }

async function run(task: OptimizerTask, signal: AbortSignal): Promise<FittedOptimizer> {
  const { connection, table, from, to } = task
  const { user, ...server } = connection
  const sql = postgres({ ...server, username: user, max: 2, connect_timeout: 4, onnotice: () => undefined })
  try {
    const incidents = await incidentMinutes(sql, { from, to })
    const exclude = [...task.exclude, ...incidents]
    const excluded = exclude.map((each) => ({
      from: Math.floor(each.from.getTime() / MINUTE_MS),
      to: Math.ceil(each.to.getTime() / MINUTE_MS),
    }))
    const rollups = await endpointRollups(sql, table, { from, to, exclude }, signal)
    const fit = new OptimizerFit(rollups, { excluded, seed: task.seed, nobody: NOBODY })
    const { endpoints } = fit
    const names = new RequestNames({ byMethod: true, endpoints, mostEndpoints: endpoints.length })
    const startedMs = Date.now()
    let requestsRead = 0
    for await (const batch of streamRequests(sql, table, { from, to, names, signal })) {
      fit.arrivals.add(batch)
      requestsRead += batch.length
      const reached = batch.timeMs[batch.length - 1]! - from.getTime()
      parentPort!.postMessage({ progress: reached / (to.getTime() - from.getTime()) })
    }
    const readSeconds = (Date.now() - startedMs) / 1000
    const model = fit.model((client) => names.clients[client]!)
    return { model, requestsRead, readSeconds, incidentMinutes: incidents.length }
  } finally {
    await sql.end({ timeout: 1 })
  }
}

const stopping = new AbortController()
parentPort!.once('message', () => stopping.abort(new Error('The run was stopped.')))

try {
  parentPort!.postMessage({ fitted: await run(workerData as OptimizerTask, stopping.signal) })
} catch (error) {
  const { message, code } = error as Error & { code?: string }
  const missing = error instanceof TrafficTableError ? error.missing : null
  parentPort!.postMessage({ failed: { message, code, missing } })
}
parentPort!.close()
