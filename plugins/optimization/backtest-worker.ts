import { parentPort } from 'node:worker_threads'
import { openPool } from '../../db/pool.js'
import { readFolding } from '../../db/traffic/endpoint-folding.js'
import { RequestNames, streamRequests } from '../../db/traffic/request-stream.js'
import { Replay, type ReplayRule } from '../../models/rate-limit/replay/replay.js'
import { weightOf } from '../../models/rate-limit/request-costs.js'
import { splitEndpoint } from '../../models/traffic/endpoint-name.js'
import { answerTask } from '../workers/answer.js'
import type { WorkerMessage } from '../workers/message.js'
import type { BacktestPlan, BacktestTask, Replayed, ReplayOutcome } from './backtest.js'

const MAX_ENDPOINTS = 2000

const post = (message: WorkerMessage<ReplayOutcome>): void => parentPort!.postMessage(message)

async function replay(task: BacktestTask, signal: AbortSignal): Promise<Replayed> {
  const { connection, table, plan, ipv6Prefix } = task
  const { from, to, endpoint, byMethod, gateway, algorithm } = plan
  const sql = openPool(connection, { max: 1 })
  const trafficSql = task.traffic === null ? sql : openPool(task.traffic, { max: 1 })
  try {
    const { known, rules, weights } = rulesOf(plan)
    const maxEndpoints = known ? known.length : MAX_ENDPOINTS
    const names = new RequestNames({
      ...{ byMethod, endpoints: known ?? [], maxEndpoints, ipv6Prefix },
      folding: await readFolding(sql, table),
    })
    const replay = new Replay({
      ...{ rules, gateway, algorithm, ...(weights && { weights }) },
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

/** The rules and weights by index, and the endpoints that have the indexes from 1 on; at 0 there is any other. */
function rulesOf(plan: BacktestPlan): {
  known: string[] | null
  rules: (ReplayRule | null)[]
  weights: number[] | null
} {
  const { rules, costs } = plan
  const known = endpointsOf(plan)
  const ruleOf = (name: string) => (rules instanceof Map ? (rules.get(name) ?? null) : (rules as ReplayRule))
  const weight = (name: string) => weightOf(costs!, splitEndpoint(name).path)
  return {
    known,
    rules: [null, ...(known ? known.map(ruleOf) : Array<ReplayRule | null>(MAX_ENDPOINTS).fill(ruleOf('')))],
    weights: costs && known && [costs.defaultWeight, ...known.map(weight)],
  }
}

/** Null: whatever comes. Those with rules come first. */
function endpointsOf({ rules, endpoint, scope, costs }: BacktestPlan): string[] | null {
  if (endpoint !== null) return [endpoint]
  const limited = rules instanceof Map && scope !== 'gateway-client' ? [...rules.keys()] : null
  return costs ? [...new Set([...(limited ?? []), ...costs.weights.keys()])] : limited
}

await answerTask(replay, 'The backtest was stopped.')
