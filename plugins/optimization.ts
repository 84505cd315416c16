import fp from 'fastify-plugin'
import type { Sql } from 'postgres'
import { isDatabaseAway } from '../db/errors.js'
import { rulesInForce, type NewRecommendation, type RuleRow } from '../db/own/recommendations.js'
import type { TrafficTable } from '../db/traffic/table.js'
import { clusterEndpoints, type EndpointCluster } from '../models/clustering/endpoint-clusters.js'
import { findEndpoint } from '../models/optimizer/endpoint-lookup.js'
import type { RateOptimizer } from '../models/optimizer/model.js'
import { recommend, type Recommendation, type Scope } from '../models/optimizer/recommend.js'
import type { EndpointProfile } from '../models/rate-limit/endpoints/profile.js'
import type { ReplayRule } from '../models/rate-limit/replay/replay.js'
import type { Tier } from '../models/rate-limit/tiers.js'
import { limitFile, toLimitEntry, type LimitFileFormat } from '../formats/limit-files/limit-file.js'
import { limitList, type LimitList } from '../formats/limit-files/limit-list.js'
import { profilesCsv } from '../formats/limit-files/profiles-csv.js'
import type { Database } from './database.js'
import { ServiceError } from './http/errors.js'
import { exportRange } from './http/time-range.js'
import type { ModelRegistry } from './model-registry.js'
import { createBacktests, type Backtested, type BacktestPlan } from './optimization/backtest.js'
import { backtestPlan, toRule, type BacktestRequest, type LimitChoice } from './optimization/plan.js'
import { createRecommendations, type Recommendations } from './optimization/recommendations.js'

/** What is done with them beside telling them. */
interface Extras {
  readonly backtest?: boolean | undefined
  readonly save?: boolean | undefined
}

export interface LimitRequest extends LimitChoice, Extras {
  readonly endpoint: string
  readonly current_limit?: number | undefined
}

export interface AllLimitsRequest extends LimitChoice, Extras {
  readonly by_method?: boolean | undefined
}

/** A recommendation with what was asked for beside it. */
export interface Advice extends Recommendation {
  /** Of the kept recommendation, when it is to be kept. */
  readonly id?: string
  /** What it would have done in the last days, in short. */
  readonly backtest?: ShortBacktest
}

export interface ShortBacktest {
  readonly from: string
  readonly to: string
  readonly requests: number
  readonly rejected: number
  readonly rejection_rate: number
  /** Null where all endpoints are replayed at once: clients are not counted by endpoint. */
  readonly clients: number | null
  readonly clients_affected: number | null
}

/** What was replayed, with the limit of the one endpoint; null where each has its own. */
export interface BacktestOutcome extends Backtested {
  readonly plan: BacktestPlan
  readonly rule: ReplayRule | null
}

export interface Optimization {
  readonly recommendations: Recommendations
  /** Works untrained, and for endpoints never seen, from the defaults of the tier. */
  recommend(request: LimitRequest, signal: AbortSignal): Promise<Advice>
  /** @throws ServiceError MODEL_NOT_TRAINED, as everything below */
  recommendAll(request: AllLimitsRequest, signal: AbortSignal): Promise<Advice[]>
  clusters(nClusters: number, byMethod: boolean): EndpointCluster[]
  /** The limits as text for a gateway, or as they are. */
  limits(
    format: LimitFileFormat | 'json',
    choice: LimitChoice & { readonly by_method?: boolean | undefined },
    signal: AbortSignal,
  ): Promise<string | LimitList>
  /** By endpoint. */
  profiles(byMethod: boolean): Map<string, EndpointProfile>
  /** The same as CSV. */
  profilesText(byMethod: boolean): string
  /** Replays stored requests; the query ends with the signal. Untrained it needs a limit. */
  backtest(request: BacktestRequest, signal: AbortSignal): Promise<BacktestOutcome>
  /** Ends what is under way. */
  close(): void
}

export interface OptimizationOptions {
  readonly sql: Sql
  readonly database: Pick<Database, 'assertUsable'>
  readonly models: Pick<ModelRegistry, 'active'>
  readonly table: TrafficTable
  readonly now: () => Date
}

declare module 'fastify' {
  interface FastifyInstance {
    optimization: Optimization
  }
}

const LONGEST_PATTERN = 255

export function createOptimization({ sql, database, models, table, now }: OptimizationOptions): Optimization {
  const stopping = new AbortController()
  const recommendations = createRecommendations(sql, () => database.assertUsable())
  const replayed = createBacktests(sql, table)

  const trained = (): RateOptimizer => {
    const { optimizer } = models.active
    if (optimizer) return optimizer.model
    const message =
      'No rate optimizer is active. POST /train learns one; POST /model/load takes up a stored one.'
    throw new ServiceError('MODEL_NOT_TRAINED', message)
  }
  /** Limits in force are good to know; while the database is away they are not known. */
  const rulesOf = async (endpoints: readonly string[]): Promise<RuleRow[]> => {
    try {
      return await rulesInForce(sql, endpoints)
    } catch (error) {
      if (isDatabaseAway(error)) return []
      throw error
    }
  }
  const replay = async (plan: BacktestPlan, gone: AbortSignal): Promise<Backtested> => {
    await database.assertUsable()
    return replayed(plan, AbortSignal.any([gone, stopping.signal]))
  }
  /** The same limits for all of them, on the requests of the last days; by endpoint, without those of another scope. */
  const backtestsOf = async (
    found: readonly Recommendation[],
    scope: Scope,
    byMethod: boolean,
    gone: AbortSignal,
  ): Promise<Map<string, ShortBacktest>> => {
    const limited = found.filter((each) => each.scope === scope)
    const range = exportRange({}, now())
    const plan: BacktestPlan = {
      ...range,
      endpoint: found.length === 1 ? found[0]!.endpoint : null,
      rules: new Map(limited.map((each) => [each.endpoint, toRule(each)])),
      byMethod,
      scope,
      algorithm: 'token_bucket',
    }
    const done = await replay(plan, gone)
    return new Map(limited.map(({ endpoint }, i) => [endpoint, toShort(done, i + 1, range)]))
  }

  return {
    recommendations,
    async recommend(request, gone) {
      const { tier = 'default', strategy = 'balanced', scope = 'endpoint', current_limit } = request
      const { name, model, hasMethod } = findEndpoint(
        models.active.optimizer?.model ?? null,
        request.endpoint,
      )
      const rule = ruleFor(await rulesOf([name]), tier)
      const currentLimit = current_limit ?? rule?.limit ?? null
      const found = recommend({ endpoint: name, tier, strategy, scope, currentLimit, model })
      if (request.save === true && !canBeKept(name)) throw cannotBeKept()
      const backtest =
        request.backtest === true
          ? (await backtestsOf([found], found.scope, hasMethod, gone)).get(name)
          : undefined
      const [id] = request.save === true ? await recommendations.save([toRow(found, rule)]) : []
      return { ...found, ...(backtest && { backtest }), ...(id !== undefined && { id }) }
    },
    async recommendAll(request, gone) {
      const {
        tier = 'default',
        strategy = 'balanced',
        scope = 'endpoint',
        by_method: byMethod = false,
      } = request
      const { byMethod: methods, byTemplate } = trained()
      const endpoints = byMethod ? methods : byTemplate
      const inForce = byEndpoint(await rulesOf([...endpoints.keys()]))
      const ruleOf = (endpoint: string) => ruleFor(inForce.get(endpoint) ?? [], tier)
      const found = [...endpoints].map(([endpoint, model]) => {
        const currentLimit = ruleOf(endpoint)?.limit ?? null
        return recommend({ endpoint, tier, strategy, scope, currentLimit, model })
      })
      const backtests =
        request.backtest === true ? await backtestsOf(found, scope, byMethod, gone) : new Map()
      const kept = request.save === true ? found.filter(({ endpoint }) => canBeKept(endpoint)) : []
      const ids = await recommendations.save(kept.map((each) => toRow(each, ruleOf(each.endpoint))))
      const idOf = new Map(kept.map(({ endpoint }, i) => [endpoint, ids[i]!]))
      return found.map((each) => {
        const backtest = backtests.get(each.endpoint)
        const id = idOf.get(each.endpoint)
        const notKept = request.save === true && id === undefined
        return {
          ...each,
          ...(notKept && { warnings: [...each.warnings, `It was not kept: ${TOO_LONG}.`] }),
          ...(backtest && { backtest }),
          ...(id !== undefined && { id }),
        }
      })
    },
    clusters: (nClusters, byMethod) => {
      const { byMethod: methods, byTemplate } = trained()
      const models = [...(byMethod ? methods : byTemplate).values()]
      return clusterEndpoints(
        models.map(({ profile }) => profile),
        nClusters,
      )
    },
    async limits(format, choice, gone) {
      const { tier = 'default', strategy = 'balanced', scope = 'client' } = choice
      const found = await this.recommendAll({ ...choice, scope }, gone)
      const head = { tier, strategy, generatedAt: now().toISOString() }
      const entries = found.map(toLimitEntry)
      return format === 'json' ? limitList(entries, head) : limitFile(format, entries, head)
    },
    profilesText(byMethod) {
      return profilesCsv([...this.profiles(byMethod).values()])
    },
    profiles: (byMethod) => {
      const { byMethod: methods, byTemplate } = trained()
      return new Map([...(byMethod ? methods : byTemplate)].map(([name, { profile }]) => [name, profile]))
    },
    async backtest(request, gone) {
      const plan = backtestPlan(request, models.active.optimizer?.model ?? null, trained, now())
      const done = await replay(plan, gone)
      if (done.report.requests === 0) throw nothingToReplay(plan)
      return { ...done, plan, rule: plan.rules instanceof Map ? null : (plan.rules as ReplayRule) }
    },
    close() {
      stopping.abort(new ServiceError('SHUTTING_DOWN', 'The backtest was stopped, as the service is.'))
    },
  }
}

function byEndpoint(rules: readonly RuleRow[]): Map<string, RuleRow[]> {
  const found = new Map<string, RuleRow[]>()
  for (const rule of rules) found.set(rule.endpoint, [...(found.get(rule.endpoint) ?? []), rule])
  return found
}

/** The limit in force of a tier; one without a tier is for all of them. */
function ruleFor(own: readonly RuleRow[], tier: Tier): RuleRow | undefined {
  return own.find((rule) => rule.tier === tier) ?? own.find((rule) => rule.tier === null)
}

function toRow(found: Recommendation, rule: RuleRow | undefined): NewRecommendation {
  const { scope, long_window: longWindow } = found
  return {
    endpoint: found.endpoint,
    tier: found.tier,
    currentLimit: found.current_limit,
    currentBurst: rule?.burst ?? null,
    limit: found.recommended_limit,
    burst: found.recommended_burst,
    strategy: found.strategy,
    confidence: found.confidence,
    reasoning: found.reasoning,
    warnings: longWindow === null ? found.warnings : [...found.warnings, NO_LONG_WINDOW],
    profile: { ...found.profile, scope, long_window: longWindow },
  }
}

const NO_LONG_WINDOW =
  'rate_limit_rules has no place for the longer window: set it in the gateway, or take it from GET /export/rate-limits.'

const TOO_LONG = `endpoint is longer than ${LONGEST_PATTERN} characters, which is all that can be kept`

function canBeKept(endpoint: string): boolean {
  return [...endpoint].length <= LONGEST_PATTERN
}

function cannotBeKept(): ServiceError {
  const details = [{ field: 'endpoint', problem: 'is too long to be kept' }]
  return new ServiceError('INVALID_REQUEST', `${TOO_LONG}. Leave out save, or the method.`, details)
}

function nothingToReplay({ endpoint, from, to }: BacktestPlan): ServiceError {
  const what = endpoint === null ? 'any endpoint' : endpoint
  const message = `There are no requests of ${what} from ${from.toISOString()} to ${to.toISOString()}. Give another range, or an endpoint of GET /export/endpoint-profiles.`
  return new ServiceError('NO_DATA', message)
}

/** @param index of the endpoint among those that were replayed */
function toShort(
  { report, names }: Backtested,
  index: number,
  { from, to }: { from: Date; to: Date },
): ShortBacktest {
  const { requests, rejected } = report.byEndpoint[index] ?? NOTHING
  const alone = names.endpoints.length === 2
  return {
    from: from.toISOString(),
    to: to.toISOString(),
    requests,
    rejected,
    rejection_rate: requests > 0 ? rejected / requests : 0,
    clients: alone ? report.clients : null,
    clients_affected: alone ? report.clientsAffected : null,
  }
}

const NOTHING = { requests: 0, rejected: 0 }

/** `fastify.optimization`. */
export default fp(
  async (app) => {
    const { config, sql, models, database } = app
    const optimization = createOptimization({
      ...{ sql, models, database },
      table: config.trafficTable,
      now: () => new Date(),
    })
    app.decorate('optimization', optimization)
    app.addHook('preClose', async () => optimization.close())
  },
  { name: 'optimization', dependencies: ['config', 'database', 'model-registry'] },
)
