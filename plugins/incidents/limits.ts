import type { Sql } from 'postgres'
import { withTimeLimit } from '../../db/with-time-limit.js'
import type { Log } from '../../db/log.js'
import { allRulesInForce, rulesInForce, scopeOfRule } from '../../db/own/rules.js'
import type { Connection } from '../../db/pool.js'
import type { AnomalyType } from '../../models/anomaly/verdict.js'
import {
  describeIncidentLimit,
  type IncidentLimits,
  type IncidentRecommendation,
} from '../../models/incidents/incident-limit.js'
import type { LimitInForce } from '../../models/rate-limit/in-force/limits-in-force.js'
import { GATEWAY } from '../../models/rate-limit/recommendation.js'
import { DAY_MS, SECOND_MS } from '../../models/traffic/durations.js'
import { splitEndpoint } from '../../models/traffic/endpoint-name.js'
import type { CurrentTable } from '../traffic-table.js'
import { QUERY_GRACE_MS, runWorker } from '../workers/run-worker.js'
import { fromFailure, type WorkerFailure } from '../workers/worker-failure.js'
import { investigatedRange, type Investigated } from './investigate.js'
import type { LimitsAnswer, LimitsTask } from './limits-worker.js'
import type { RecommendOutcome, RecommendTask } from './recommend-worker.js'

/** What limits do against an incident; each question is answered by a worker thread, one at a time, and ends in time. */
export interface IncidentLimitQuestions {
  /** Null where no limit is worth it. */
  recommend(
    incident: Investigated,
    causedBy: readonly string[],
    signal: AbortSignal,
  ): Promise<IncidentRecommendation | null>
  inForce(incident: Investigated, signal: AbortSignal): Promise<IncidentLimits>
}

export interface LimitsOptions {
  readonly sql: Sql
  /** Of the worker threads: to the database, and to that of the traffic table where it is another. */
  readonly connection: Connection
  readonly traffic: Connection | null
  readonly currentTable: CurrentTable
  readonly ipv6Prefix: number
  readonly log: Pick<Log, 'info'>
  readonly now: () => Date
}

/** Incidents of traffic: a limit would not have held the others. */
const TRAFFIC: ReadonlySet<AnomalyType> = new Set(['traffic_spike', 'pattern_anomaly', 'multi_dimensional'])
const BACKTEST_MS = 7 * DAY_MS
const MAX_RECOMMEND_MS = 60 * SECOND_MS
const MAX_REPLAY_MS = 20 * SECOND_MS
/** Of the column endpoint_pattern. */
const MAX_PATTERN_LENGTH = 255
const DEFAULT_TIER = 'default'
const MAX_SHOWN = 20

export function createIncidentLimitQuestions(options: LimitsOptions): IncidentLimitQuestions {
  let last: Promise<unknown> = Promise.resolve()
  /** After all that was asked before. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work)
    last = turn.catch(() => undefined)
    return turn
  }
  return {
    recommend: (incident, causedBy, signal) =>
      inTurn(async () => {
        if (!TRAFFIC.has(incident.type) || causedBy.length === 0) return null
        return recommend(options, incident, causedBy, signal)
      }),
    inForce: (incident, signal) => inTurn(() => replayLimits(options, incident, signal)),
  }
}

async function recommend(
  options: LimitsOptions,
  incident: Investigated,
  causedBy: readonly string[],
  signal: AbortSignal,
): Promise<IncidentRecommendation | null> {
  const { from, to, endpoint: affected } = investigatedRange(incident, options.now())
  const path = affected === null ? null : splitEndpoint(affected).path
  const endpoint = path ?? GATEWAY
  if (endpoint.length > MAX_PATTERN_LENGTH) return null
  const outcome = await work<Extract<RecommendOutcome, { tier: string }>>(
    options,
    'incidents/recommend-worker',
    {
      range: { from, to, endpoint: path },
      causedBy,
      from: new Date(from.getTime() - BACKTEST_MS),
    } satisfies Partial<RecommendTask>,
    { maxMs: MAX_RECOMMEND_MS, signal },
  )
  const { effect, replayed } = outcome
  if (effect === null) return null
  const tier = outcome.tier === '' ? DEFAULT_TIER : outcome.tier
  const rules = await rulesInForce(options.sql, [endpoint])
  const rule =
    rules.find((each) => each.tier?.toLowerCase() === tier.toLowerCase()) ??
    rules.find((each) => each.tier === null)
  const scope = path === null ? 'gateway-client' : 'client'
  const choice = { endpoint, tier, scope, currentLimit: rule?.limit ?? null, causedBy } as const
  return describeIncidentLimit(effect, choice, replayed)
}

async function replayLimits(
  options: LimitsOptions,
  incident: Investigated,
  signal: AbortSignal,
): Promise<IncidentLimits> {
  const asOf = options.now().toISOString()
  const rules = await allRulesInForce(options.sql)
  const limits = rules.map(({ endpoint, tier, limit, burst, description }): LimitInForce => ({
    pattern: endpoint,
    ...{ tier, limit, burst: burst !== null && burst >= 1 ? burst : null },
    scope: scopeOfRule(description),
  }))
  const range = investigatedRange(incident, options.now())
  const outcome = await work<Exclude<LimitsAnswer, WorkerFailure>>(
    options,
    'incidents/limits-worker',
    { ...range, limits } satisfies Partial<LimitsTask>,
    { maxMs: MAX_REPLAY_MS, signal },
  )
  const { applied, requests, rejected, clients, clientsAffected, isComplete } = outcome
  const shown = applied.slice(0, MAX_SHOWN).map((i) => {
    const { pattern, ...rest } = limits[i]!
    return { endpoint: pattern, ...rest }
  })
  return { asOf, limits: shown, requests, rejected, clients, clientsAffected, isComplete }
}

/** Time to begin and to end, beside the replay. */
const SPARE_MS = 30 * SECOND_MS

async function work<T>(
  { connection, traffic, currentTable, ipv6Prefix }: LimitsOptions,
  name: string,
  task: object,
  { maxMs, signal }: { readonly maxMs: number; readonly signal: AbortSignal },
): Promise<T> {
  const table = await currentTable()
  const whole = { connection, traffic, table, ipv6Prefix, maxMs, ...task }
  const outcome = await withTimeLimit(maxMs + SPARE_MS, signal, (limited) =>
    runWorker<T | WorkerFailure>(name, whole, { signal: limited, graceMs: QUERY_GRACE_MS }),
  )
  if (typeof outcome === 'object' && outcome !== null && 'failed' in outcome)
    throw fromFailure(outcome, table)
  return outcome as T
}
