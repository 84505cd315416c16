import type { Sql } from 'postgres'
import type { Log } from '../../db/log.js'
import type { Connection } from '../../db/pool.js'
import { hasRollups, mayHaveRequests } from '../../db/traffic/endpoint-presence.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import type { ReplayOptions, ReplayRule } from '../../models/rate-limit/replay/replay.js'
import type { Scope } from '../../models/rate-limit/recommendation.js'
import type { RequestCosts } from '../../models/rate-limit/request-costs.js'
import { ReplayTally, type ReplayReport } from '../../models/rate-limit/replay/report.js'
import { DAY_MS } from '../../models/traffic/durations.js'
import { splitEndpoint } from '../../models/traffic/endpoint-name.js'
import { orAborted } from '../../db/or-aborted.js'
import { ServiceError } from '../http/errors.js'
import { explainTableError } from '../http/table-errors.js'
import type { Refresh } from '../rollup-refresh.js'
import type { CurrentTable } from '../traffic-table.js'
import { QUERY_GRACE_MS, runWorker } from '../workers/run-worker.js'
import { fromFailure, type WorkerFailure } from '../workers/worker-failure.js'

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
  readonly names: ReplayedNames
  readonly seconds: number
}

export type Replayed = Omit<Backtested, 'seconds'>

/** What was replayed, with the limit of the one endpoint; null where each has its own. */
export interface BacktestOutcome extends Backtested {
  readonly plan: BacktestPlan
  readonly rule: ReplayRule | null
}

/** The task of the worker thread, and how it ended. */
export interface BacktestTask {
  readonly connection: Connection
  /** The database that has the traffic table; null when it is the same. */
  readonly traffic: Connection | null
  readonly table: TrafficTable
  readonly plan: BacktestPlan
  readonly ipv6Prefix: number
}
export type ReplayOutcome = Replayed | WorkerFailure

/** The names of a report, by index; of clients only those that it names. */
export interface ReplayedNames {
  readonly endpoints: readonly string[]
  readonly tiers: readonly string[]
  readonly clients: Readonly<Record<number, string>>
}

export interface Backtests {
  /** @param onProgress takes the share of the range that is replayed */
  run(plan: BacktestPlan, signal: AbortSignal, onProgress?: (share: number) => void): Promise<Backtested>
  /** @throws ServiceError BUSY */
  assertFree(): void
}

/** More of them would slow down each other, and what the database has to do beside them. */
const MAX_AT_A_TIME = 2

export interface BacktestOptions {
  readonly sql: Sql
  /** The database that has the traffic table. */
  readonly trafficSql: Sql
  /** Of the worker threads: to the database, and to that of the traffic table where it is another. */
  readonly connection: Connection
  readonly traffic: Connection | null
  readonly currentTable: CurrentTable
  /** @throws ServiceError when the database that has the traffic table is away */
  readonly assertTraffic: () => Promise<void>
  readonly retentionDays: number
  readonly refresh: Refresh
  readonly ipv6Prefix: number
  readonly log: Log
  readonly now: () => Date
}

/** The options, with the table that is in use. */
type OnTable = BacktestOptions & { readonly table: TrafficTable }

/** Replays stored requests in worker threads; a query ends with the signal. */
export function createBacktests(options: BacktestOptions): Backtests {
  let underWay = 0
  const assertFree = () => {
    if (underWay < MAX_AT_A_TIME) return
    throw new ServiceError('BUSY', `${MAX_AT_A_TIME} backtests are under way. Try again shortly.`)
  }
  return {
    assertFree,
    async run(plan, signal, onProgress) {
      assertFree()
      underWay++ // before anything is waited for: who comes next finds it
      try {
        await options.assertTraffic()
        const table = await options.currentTable()
        return await replay({ ...options, table }, plan, signal, onProgress).catch((error: unknown) => {
          const problem = `The table ${table} cannot be replayed`
          throw explainTableError(error, { code: 'TRAFFIC_TABLE_UNUSABLE', problem })
        })
      } finally {
        underWay--
      }
    },
  }
}

async function replay(
  options: OnTable,
  plan: BacktestPlan,
  signal: AbortSignal,
  onProgress?: (share: number) => void,
): Promise<Backtested> {
  const { table, ipv6Prefix } = options
  const startedMs = performance.now()
  const { endpoint } = plan
  if (endpoint !== null && (await isWithoutRequests(options, endpoint, plan, signal))) {
    return { report: new ReplayTally().report(), names: NO_NAMES, seconds: 0 }
  }
  signal.throwIfAborted()
  const task: BacktestTask = {
    connection: options.connection,
    traffic: options.traffic,
    table,
    plan,
    ipv6Prefix,
  }
  const outcome = await runWorker<ReplayOutcome>('optimization/backtest-worker', task, {
    ...{ signal, graceMs: QUERY_GRACE_MS },
    ...(onProgress && { onProgress }),
  })
  if ('failed' in outcome) throw fromFailure(outcome, table)
  return { ...outcome, seconds: (performance.now() - startedMs) / 1000 }
}

const NO_NAMES: ReplayedNames = { endpoints: [], tiers: [], clients: {} }

/** Whether the rollups tell that there is nothing to read: reading the log to find nothing takes as long as any replay. */
async function isWithoutRequests(
  options: OnTable,
  endpoint: string,
  range: Pick<BacktestPlan, 'from' | 'to'>,
  signal: AbortSignal,
): Promise<boolean> {
  const { sql, table, retentionDays, refresh, now } = options
  if (range.from.getTime() < now().getTime() - retentionDays * DAY_MS) return false
  if (!(await hasRollups(sql, table))) return false
  if (!(await orAborted(refresh(), signal))) return false
  return !(await mayHaveRequests(sql, table, splitEndpoint(endpoint), range))
}
