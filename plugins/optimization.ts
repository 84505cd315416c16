import fp from 'fastify-plugin'
import {
  rateLimitFile,
  toRateLimitEntry,
  type RateLimitFileFormat,
} from '../formats/limit-files/limit-file.js'
import { rateLimitList, type RateLimitList } from '../formats/limit-files/limit-list.js'
import { profilesCsv } from '../formats/limit-files/profiles-csv.js'
import { findWithoutProfile } from '../db/traffic/endpoint-list.js'
import { readFolding } from '../db/traffic/endpoint-folding.js'
import { clusterEndpoints, type EndpointCluster } from '../models/clustering/endpoint-clusters.js'
import { findEndpoint } from '../models/optimizer/find-endpoint.js'
import type { EndpointModel, RateOptimizer } from '../models/optimizer/model.js'
import { recommend } from '../models/optimizer/recommend.js'
import type { EndpointProfile } from '../models/rate-limit/endpoints/profile.js'
import { GATEWAY, type RateLimitRecommendation, type Scope } from '../models/rate-limit/recommendation.js'
import type { ReplayRule } from '../models/rate-limit/replay/replay.js'
import type { TierTable } from '../models/rate-limit/tiers.js'
import { splitEndpoint } from '../models/traffic/endpoint-name.js'
import type { Database } from './database.js'
import { ServiceError } from './http/errors.js'
import { timeRange } from './http/time-range.js'
import type { ModelRegistry } from './model-registry.js'
import {
  createBacktests,
  type Backtested,
  type BacktestOptions,
  type BacktestPlan,
} from './optimization/backtest.js'
import {
  assertCountsRequests,
  assertFormat,
  assertNoEndpoint,
  backtestPlan,
  gatewayOf,
  recommendGateway,
  tierWarnings,
  toRule,
  withDefaults,
  type BacktestRequest,
  type RateLimitChoice,
} from './optimization/plan.js'
import {
  canBeKept,
  cannotBeKept,
  createRecommendations,
  NOT_KEPT,
  type Recommendations,
} from './optimization/recommendations.js'
import { rulesFor } from './optimization/rules-in-force.js'
import { toShortBacktest, toWholeBacktest, type ShortBacktest } from './optimization/short-backtest.js'
import { toRow } from './optimization/table-row.js'

/** What is done with recommendations beside answering them. */
interface Extras {
  readonly backtest?: boolean | undefined
  readonly save?: boolean | undefined
}

interface RateLimitRequest extends RateLimitChoice, Extras {
  /** None with scope gateway-client. */
  readonly endpoint?: string | undefined
  /** Requests a minute; that of rate_limit_rules, when absent. */
  readonly currentLimit?: number | undefined
}

interface AllRateLimitsRequest extends RateLimitChoice, Extras {
  readonly byMethod?: boolean | undefined
}

/** Scope client, when absent: gateways count clients. */
type RateLimitFileRequest = Omit<AllRateLimitsRequest, keyof Extras>

/** A recommendation with what was asked for beside it. */
interface AnsweredRecommendation extends RateLimitRecommendation {
  /** Of the kept recommendation, where it is kept. */
  readonly id?: string
  readonly backtest?: ShortBacktest
}

/** What was replayed, with the limit of the one endpoint; null where each has its own. */
interface BacktestOutcome extends Backtested {
  readonly plan: BacktestPlan
  readonly rule: ReplayRule | null
}

interface Optimization {
  readonly recommendations: Recommendations
  /** What to tell a caller about what was asked for, in sentences. */
  warningsOf(choice: RateLimitChoice): string[]
  /** Without a trained model, and for endpoints never seen, the defaults of the tier. */
  recommend(request: RateLimitRequest, signal: AbortSignal): Promise<AnsweredRecommendation>
  /** @throws ServiceError MODEL_NOT_TRAINED, as everything below */
  recommendAll(request: AllRateLimitsRequest, signal: AbortSignal): Promise<AnsweredRecommendation[]>
  clusters(nClusters: number, byMethod: boolean): EndpointCluster[]
  /** The recommended limits as the text of a file for a gateway. */
  rateLimitFile(
    format: RateLimitFileFormat,
    request: RateLimitFileRequest,
    signal: AbortSignal,
  ): Promise<string>
  /** The same as data. */
  rateLimitList(request: RateLimitFileRequest, signal: AbortSignal): Promise<RateLimitList>
  /** By endpoint. */
  profiles(byMethod: boolean): Map<string, EndpointProfile>
  /** The same as CSV. */
  profilesText(byMethod: boolean): string
  /** Replays stored requests; the query ends with the signal. Without a trained model the request needs a limit. */
  backtest(request: BacktestRequest, signal: AbortSignal): Promise<BacktestOutcome>
  /** Ends what is under way. */
  close(): void
}

interface OptimizationOptions extends BacktestOptions {
  readonly database: Pick<Database, 'assertUsable' | 'assertTraffic'>
  readonly models: Pick<ModelRegistry, 'active'>
  readonly tiers: TierTable
}

declare module 'fastify' {
  interface FastifyInstance {
    optimization: Optimization
  }
}

function createOptimization(options: OptimizationOptions): Optimization {
  const { sql, database, models, tiers, now } = options
  const stopping = new AbortController()
  const recommendations = createRecommendations(sql, () => database.assertUsable())
  const replayed = createBacktests(options)

  const active = (): RateOptimizer | null => models.active.optimizer?.model ?? null
  const trained = (): RateOptimizer => {
    const optimizer = active()
    if (optimizer) return optimizer
    const message =
      'No rate optimizer is active. POST /train learns one; POST /model/load takes up a stored one.'
    throw new ServiceError('MODEL_NOT_TRAINED', message)
  }
  const endpointsOf = (byMethod: boolean): ReadonlyMap<string, EndpointModel> => {
    const { byMethod: methods, byTemplate } = trained()
    return byMethod ? methods : byTemplate
  }
  const replay = async (plan: BacktestPlan, gone: AbortSignal): Promise<Backtested> => {
    await database.assertTraffic()
    return replayed(plan, AbortSignal.any([gone, stopping.signal]))
  }
  /** Each limit on the requests of the last days, by endpoint; without limits of another scope. */
  const backtestsOf = async (
    found: readonly RateLimitRecommendation[],
    scope: Scope,
    byMethod: boolean,
    gone: AbortSignal,
  ): Promise<Map<string, ShortBacktest>> => {
    const whole = found.find((each) => each.scope === 'gateway-client')
    const costs = (whole ?? found[0])?.costs ?? null
    const limited = found.filter((each) => each !== whole && each.scope === scope && !each.costs === !costs)
    const plan: BacktestPlan = {
      ...timeRange({}, now()),
      endpoint: found.length === 1 && !whole ? found[0]!.endpoint : null,
      rules: new Map(limited.map((each) => [each.endpoint, toRule(each)])),
      gateway: whole ? toRule(whole) : null,
      byMethod: byMethod && scope !== 'gateway-client',
      ...{ costs, scope },
      algorithm: 'token_bucket',
    }
    const done = await replay(plan, gone)
    const ofEndpoints = limited.map(
      ({ endpoint }, i) => [endpoint, toShortBacktest(done, i + 1, plan)] as const,
    )
    return new Map([...(whole ? [[GATEWAY, toWholeBacktest(done, plan)] as const] : []), ...ofEndpoints])
  }
  const recommendOne = async (
    request: RateLimitRequest,
    gone: AbortSignal,
  ): Promise<AnsweredRecommendation> => {
    const choice = withDefaults(request, tiers, trained)
    assertCountsRequests(choice.costs, request)
    const isOfGateway = choice.scope === 'gateway-client'
    if (isOfGateway) assertNoEndpoint(request.endpoint)
    const table = await options.currentTable()
    const { name, model, hasMethod } = isOfGateway
      ? { name: GATEWAY, model: gatewayOf(trained()), hasMethod: false }
      : findEndpoint(active(), endpointIn(request), await readFolding(sql, table))
    const known = model === null ? await findWithoutProfile(sql, table, splitEndpoint(name)) : null
    const rule = (await rulesFor(sql, [name], choice.tier.name))(name)
    const currentLimit = request.currentLimit ?? rule?.limit ?? null
    const found = recommend({ ...choice, endpoint: name, currentLimit, model, known })
    if (request.save === true && !canBeKept(name)) throw cannotBeKept()
    const backtests =
      request.backtest === true ? await backtestsOf([found], found.scope, hasMethod, gone) : NONE
    const [id] = request.save === true ? await recommendations.save([toRow(found, rule)]) : []
    return answered(found, backtests.get(name), id)
  }
  /** The limit over the whole gateway stands before those of the endpoints, where clients are limited. */
  const ofGateway = (choice: ReturnType<typeof withDefaults>, currentLimit: number | null) => {
    if (choice.scope === 'endpoint') return []
    const gateway = choice.scope === 'gateway-client' ? gatewayOf(trained()) : trained().gateway
    return gateway?.client ? [recommendGateway(gateway, choice, currentLimit)] : []
  }
  const recommendAll = async (
    request: AllRateLimitsRequest,
    gone: AbortSignal,
  ): Promise<AnsweredRecommendation[]> => {
    const { byMethod = false, backtest = false, save = false } = request
    const choice = withDefaults(request, tiers, trained)
    assertCountsRequests(choice.costs, { save })
    const endpoints = endpointsOf(byMethod)
    const ruleOf = await rulesFor(sql, [GATEWAY, ...endpoints.keys()], choice.tier.name)
    const currentLimit = (endpoint: string) => ruleOf(endpoint)?.limit ?? null
    const ofEndpoints =
      choice.scope === 'gateway-client'
        ? []
        : [...endpoints].map(([endpoint, model]) =>
            recommend({ ...choice, endpoint, currentLimit: currentLimit(endpoint), model }),
          )
    const found = [...ofGateway(choice, currentLimit(GATEWAY)), ...ofEndpoints]
    const backtests = backtest ? await backtestsOf(found, choice.scope, byMethod, gone) : NONE
    const kept = save ? found.filter(({ endpoint }) => canBeKept(endpoint)) : []
    const ids = await recommendations.save(kept.map((each) => toRow(each, ruleOf(each.endpoint))))
    const idOf = new Map(kept.map(({ endpoint }, i) => [endpoint, ids[i]!]))
    return found.map((each) => {
      const id = idOf.get(each.endpoint)
      const isNotKept = save && id === undefined
      return answered(isNotKept ? withWarning(each, NOT_KEPT) : each, backtests.get(each.endpoint), id)
    })
  }

  return {
    recommendations,
    warningsOf: (choice) => tierWarnings(choice, tiers),
    recommend: recommendOne,
    recommendAll,
    clusters: (nClusters, byMethod) =>
      clusterEndpoints(
        [...endpointsOf(byMethod).values()].map(({ profile }) => profile),
        nClusters,
      ),
    rateLimitFile: async (format, request, gone) => {
      assertFormat(format, request)
      const { entries, head } = await entriesOf(request, gone)
      return rateLimitFile(format, entries, head)
    },
    rateLimitList: async (request, gone) => {
      const { entries, head } = await entriesOf(request, gone)
      return rateLimitList(entries, head)
    },
    profiles,
    profilesText: (byMethod) => profilesCsv([...profiles(byMethod).values()]),
    async backtest(request, gone) {
      const folding = await readFolding(sql, await options.currentTable())
      const plan = backtestPlan(request, active(), trained, { now: now(), tiers, folding })
      const done = await replay(plan, gone)
      if (done.report.requests === 0) throw nothingToReplay(plan)
      return { ...done, plan, rule: ruleOf(plan) }
    },
    close() {
      stopping.abort(new ServiceError('SHUTTING_DOWN', 'The backtest was stopped, as the service is.'))
    },
  }

  async function entriesOf(request: RateLimitFileRequest, gone: AbortSignal) {
    const scope = request.scope ?? 'client'
    const { tier, strategy } = withDefaults({ ...request, scope }, tiers, trained)
    const entries = (await recommendAll({ ...request, scope }, gone)).map(toRateLimitEntry)
    return { entries, head: { tier: tier.name, strategy, generatedAt: now().toISOString() } }
  }

  function profiles(byMethod: boolean): Map<string, EndpointProfile> {
    return new Map([...endpointsOf(byMethod)].map(([name, { profile }]) => [name, profile]))
  }
}

const NONE: ReadonlyMap<string, ShortBacktest> = new Map()

function answered(
  found: RateLimitRecommendation,
  backtest: ShortBacktest | undefined,
  id: string | undefined,
): AnsweredRecommendation {
  return { ...found, ...(backtest && { backtest }), ...(id !== undefined && { id }) }
}

function withWarning(found: RateLimitRecommendation, warning: string): RateLimitRecommendation {
  return { ...found, warnings: [...found.warnings, warning] }
}

/** @throws ServiceError INVALID_REQUEST */
function endpointIn({ endpoint }: RateLimitRequest): string {
  if (endpoint !== undefined) return endpoint
  const problem = 'is required; it may be left out with scope gateway-client only'
  throw new ServiceError('INVALID_REQUEST', `endpoint ${problem}.`, [{ field: 'endpoint', problem }])
}

/** The one rule of a plan; null where each endpoint has its own. */
function ruleOf({ rules, gateway, scope }: BacktestPlan): ReplayRule | null {
  if (scope === 'gateway-client') return gateway
  return rules instanceof Map ? null : (rules as ReplayRule)
}

function nothingToReplay({ endpoint, from, to }: BacktestPlan): ServiceError {
  const what = endpoint === null ? 'any endpoint' : endpoint
  const message = `There are no requests of ${what} from ${from.toISOString()} to ${to.toISOString()}. Give another range, or an endpoint of GET /export/endpoint-profiles.`
  return new ServiceError('NO_DATA', message)
}

/** `fastify.optimization`. */
export default fp(
  async (app) => {
    const { config, sql, trafficSql, models, database } = app
    const optimization = createOptimization({
      ...{ sql, trafficSql, models, database, log: app.log },
      currentTable: app.trafficTable,
      tiers: config.tiers,
      retentionDays: config.retentionDays,
      lookBackMinutes: config.lookBackMinutes,
      ipv6Prefix: config.ipv6Prefix,
      pathRules: config.pathRules,
      now: () => new Date(),
    })
    app.decorate('optimization', optimization)
    app.addHook('preClose', async () => optimization.close())
  },
  { name: 'optimization', dependencies: ['config', 'database', 'model-registry', 'traffic-table'] },
)
