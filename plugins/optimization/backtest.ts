import { setImmediate as turn } from 'node:timers/promises'
import type { Sql } from 'postgres'
import type { Log } from '../../db/log.js'
import { readFolding } from '../../db/traffic/endpoint-folding.js'
import { hasRollups, mayHaveRequests } from '../../db/traffic/endpoint-presence.js'
import { RequestNames, streamRequests } from '../../db/traffic/request-stream.js'
import { updateRollups } from '../../db/traffic/rollups.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import { Replay, type ReplayOptions, type ReplayRule } from '../../models/rate-limit/replay/replay.js'
import type { Scope } from '../../models/rate-limit/recommendation.js'
import { weightOf, type RequestCosts } from '../../models/rate-limit/request-costs.js'
import type { ReplayReport } from '../../models/rate-limit/replay/report.js'
import { DAY_MS } from '../../models/traffic/durations.js'
import type { PathRules } from '../../models/traffic/path-rules.js'
import { splitEndpoint } from '../../models/traffic/endpoint-name.js'
import { orAborted } from '../../db/or-aborted.js'
import { ServiceError } from '../http/errors.js'
import { explainTableError } from '../http/table-errors.js'
import type { CurrentTable } from '../traffic-table.js'

/** What is replayed. */
export interface BacktestPlan {
  readonly from: Date
  readonly to: Date
  /** One endpoint; null: all of them. */
  readonly endpoint: string | null
  /** By endpoint; those without a rule are not limited. Any endpoint has `rule`, when that is given instead. */
  readonly rules: ReadonlyMap<string, ReplayRule> | ReplayRule
  readonly byMethod: boolean
  /** For each client over all endpoints, beside the rules; null where there is none. */
  readonly gateway: ReplayRule | null
  /** Where the rules count what requests cost; null: they count requests. */
  readonly costs: RequestCosts | null
  readonly scope: Scope
  readonly algorithm: ReplayOptions['algorithm']
}

/** What the limits would have done, and the names behind its indexes. */
export interface Backtested {
  readonly report: ReplayReport
  readonly names: RequestNames
  readonly seconds: number
}

type Backtests = (plan: BacktestPlan, signal: AbortSignal) => Promise<Backtested>

/** More of them would slow down each other, and what the database has to do beside them. */
const MAX_AT_A_TIME = 2
const MAX_ENDPOINTS = 2000

export interface BacktestOptions {
  readonly sql: Sql
  /** The database that has the traffic table. */
  readonly trafficSql: Sql
  readonly currentTable: CurrentTable
  readonly retentionDays: number
  readonly lookBackMinutes: number
  readonly ipv6Prefix: number
  readonly pathRules?: PathRules
  readonly log: Log
  readonly now: () => Date
}

/** The options, with the table that is in use. */
type OnTable = BacktestOptions & { readonly table: TrafficTable }

/** Replays stored requests; the query ends with the signal. */
export function createBacktests(options: BacktestOptions): Backtests {
  let underWay = 0
  return async (plan, signal) => {
    const table = await options.currentTable()
    if (underWay >= MAX_AT_A_TIME) {
      throw new ServiceError('BUSY', `${MAX_AT_A_TIME} backtests are under way. Try again shortly.`)
    }
    underWay++
    try {
      return await replay({ ...options, table }, plan, signal)
    } catch (error) {
      const problem = `The table ${table} cannot be replayed`
      throw explainTableError(error, { code: 'TRAFFIC_TABLE_UNUSABLE', problem })
    } finally {
      underWay--
    }
  }
}

async function replay(options: OnTable, plan: BacktestPlan, signal: AbortSignal): Promise<Backtested> {
  const { sql, trafficSql, table } = options
  const { from, to, endpoint, byMethod, gateway, algorithm } = plan
  const { known, rules, weights } = rulesOf(plan)
  const maxEndpoints = known ? known.length : MAX_ENDPOINTS
  const names = new RequestNames({
    ...{ byMethod, endpoints: known ?? [], maxEndpoints, ipv6Prefix: options.ipv6Prefix },
    folding: await readFolding(sql, table),
  })
  const replay = new Replay({
    ...{ rules, gateway, algorithm, ...(weights && { weights }) },
    scope: plan.scope === 'endpoint' ? 'endpoint' : 'client',
    clientName: (client) => names.clients[client]!,
  })
  const startedMs = performance.now()
  const selection = { from, to, names, signal, ...(endpoint !== null && { endpoint }) }
  const isEmpty = endpoint !== null && (await isWithoutRequests(options, endpoint, plan, signal))
  for await (const batch of isEmpty ? [] : streamRequests(trafficSql, table, selection)) {
    replay.push(batch)
    await turn() // others have their turn, however fast the database is
    signal.throwIfAborted()
  }
  return { report: replay.report(), names, seconds: (performance.now() - startedMs) / 1000 }
}

/** Whether the rollups tell that there is nothing to read: reading the log to find nothing takes as long as any replay. */
async function isWithoutRequests(
  options: OnTable,
  endpoint: string,
  range: Pick<BacktestPlan, 'from' | 'to'>,
  signal: AbortSignal,
): Promise<boolean> {
  const { sql, table, retentionDays, now, ...rest } = options
  if (range.from.getTime() < now().getTime() - retentionDays * DAY_MS) return false
  if (!(await hasRollups(sql, table))) return false
  await orAborted(updateRollups(sql, { table, now: now(), retentionDays, signal, ...rest }), signal)
  return !(await mayHaveRequests(sql, table, splitEndpoint(endpoint), range))
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
