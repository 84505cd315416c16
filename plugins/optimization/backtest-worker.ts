import { parentPort, workerData } from 'node:worker_threads'
import { openPool } from '../../db/pool.js'
import { readFolding } from '../../db/traffic/endpoint-folding.js'
import { RequestNames, streamRequests } from '../../db/traffic/request-stream.js'
import { Replay, type ReplayRule } from '../../models/rate-limit/replay/replay.js'
import type { WorkerMessage } from '../workers/message.js'
import { toFailure } from '../workers/worker-failure.js'
import type { BacktestPlan, BacktestTask, Replayed, ReplayOutcome } from './backtest.js'

const MAX_ENDPOINTS = 2000

const post = (message: WorkerMessage<ReplayOutcome>): void => parentPort!.postMessage(message)

async function replay(task: BacktestTask, signal: AbortSignal): Promise<Replayed> {
  const { connection, table, plan, ipv6Prefix } = task
  const { from, to, endpoint, byMethod, gateway, algorithm } = plan
  const sql = openPool(connection, { max: 1 })
  const trafficSql = task.traffic === null ? sql : openPool(task.traffic, { max: 1 })
  try {
    const { known, rules } = rulesOf(plan)
    const maxEndpoints = known ? known.length : MAX_ENDPOINTS
    const names = new RequestNames({
      ...{ byMethod, endpoints: known ?? [], maxEndpoints, ipv6Prefix },
      folding: await readFolding(sql, table),
    })
    const replay = new Replay({
      ...{ rules, gateway, algorithm },
      scope: plan.scope === 'endpoint' ? 'endpoint' : 'client',
      clientName: (client) => names.clients[client]!,
    })
    const selection = { from, to, names, signal, ...(endpoint !== null && { endpoint }) }
    for await (const batch of streamRequests(trafficSql, table, selection)) {
      replay.push(batch)
      const reached = batch.timeMs[batch.length - 1]! - from.getTime()
      post({ progress: reached / (to.getTime() - from.getTime()) })
      signal.throwIfAborted()
    }
    const report = replay.report()
    const clients = report.worstClients.map(({ client }) => [client, names.clients[client]!] as const)
    const { endpoints, tiers } = names
    return { report, names: { endpoints, tiers, clients: Object.fromEntries(clients) } }
  } finally {
    await Promise.all([sql.end({ timeout: 1 }), trafficSql.end({ timeout: 1 })])
  }
}

/** The rules by index, and the endpoints that have the indexes from 1 on; at 0 there is any other. */
function rulesOf({ rules, endpoint, scope }: BacktestPlan): {
  known: string[] | null
  rules: (ReplayRule | null)[]
} {
  if (scope === 'gateway-client') return { known: null, rules: Array<null>(MAX_ENDPOINTS + 1).fill(null) }
  if (rules instanceof Map) return { known: [...rules.keys()], rules: [null, ...rules.values()] }
  const rule = rules as ReplayRule
  if (endpoint !== null) return { known: [endpoint], rules: [null, rule] }
  return { known: null, rules: [null, ...Array<ReplayRule>(MAX_ENDPOINTS).fill(rule)] }
}

const stopping = new AbortController()
parentPort!.once('message', () => stopping.abort(new Error('The backtest was stopped.')))

try {
  post({ outcome: await replay(workerData as BacktestTask, stopping.signal) })
} catch (error) {
  post({ outcome: toFailure(error) })
}
parentPort!.close()
