import fp from 'fastify-plugin'
import { rateLimitFile, toRateLimitEntry } from '../formats/limit-files/limit-file.js'
import { rateLimitList } from '../formats/limit-files/limit-list.js'
import { profilesCsv } from '../formats/limit-files/profiles-csv.js'
import { readFolding } from '../db/traffic/endpoint-folding.js'
import { findEndpoint } from '../models/optimizer/find-endpoint.js'
import type { EndpointModel, RateOptimizer } from '../models/optimizer/model.js'
import { hasNoLimit, recommend } from '../models/optimizer/recommend.js'
import { GATEWAY } from '../models/rate-limit/recommendation.js'
import type { ReplayRule } from '../models/rate-limit/replay/replay.js'
import type { TierTable } from '../models/rate-limit/tiers.js'
import type { RecommendationState } from '../db/own/recommendations.js'
import type { TrafficTable } from '../db/traffic/table.js'
import type { Database } from './database.js'
import { ServiceError } from './http/errors.js'
import { timeRange } from './http/time-range.js'
import type { ModelRegistry } from './model-registry.js'
import {
  answered,
  assertKeepable,
  endpointIn,
  stated,
  withEmptyBacktest,
  whyNotKept,
  withWarning,
  type AnsweredRecommendation,
  type StatedRecommendation,
} from './optimization/answer.js'
import {
  createBacktests,
  type Backtested,
  type BacktestOutcome,
  type BacktestOptions,
  type BacktestPlan,
} from './optimization/backtest.js'
import {
  assertCountsRequests,
  assertFormat,
  assertNoEndpoint,
  backtestPlan,
  type BacktestRequest,
  gatewayOf,
  nothingToReplay,
  recommendGateway,
  tierWarnings,
  toRule,
  withDefaults,
} from './optimization/plan.js'
import type {
  AllRateLimitsRequest,
  ListRequest,
  Optimization,
  Page,
  RateLimitFileRequest,
  RateLimitRequest,
} from './optimization/capability.js'
import { findKnown, stateOfEndpoints } from './optimization/endpoint-state.js'
import { createRecommendations } from './optimization/recommendations.js'
import { rulesFor } from './optimization/rules-in-force.js'
import {
  assertMatch,
  hasSelection,
  isSavedStatus,
  matches,
  nothingMatches,
  pageOf,
  pageOfClusters,
} from './optimization/selection.js'
import { toShortBacktest, toWholeBacktest, type ShortBacktest } from './optimization/short-backtest.js'
import { toRow } from './optimization/table-row.js'
import { readTemporaryLimits, withTemporaryLimits } from './optimization/temporary-limits.js'
import { createWorkerJobs } from './worker-jobs.js'

interface OptimizationOptions extends BacktestOptions {
  readonly database: Pick<Database, 'assertUsable'>
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
  const backtests = createBacktests(options)
  const backtestJobs = createWorkerJobs<BacktestOutcome>({
    ...{ now, name: 'backtest', stoppedCode: 'BACKTEST_STOPPED', route: 'POST /optimize/backtest' },
    onFailure: (error) => options.log.error({ err: error }, 'a backtest has failed'),
  })

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
  const replay = (
    plan: BacktestPlan,
    gone: AbortSignal,
    onProgress?: (share: number) => void,
  ): Promise<Backtested> => backtests.run(plan, AbortSignal.any([gone, stopping.signal]), onProgress)
  /** Each limit on the requests of the last days, by endpoint; without limits of another scope. */
  const backtestsOf = async (
    found: readonly StatedRecommendation[],
    { scope, costs }: Pick<BacktestPlan, 'scope' | 'costs'>,
    byMethod: boolean,
    gone: AbortSignal,
  ): Promise<Map<string, ShortBacktest>> => {
    const whole = found.find((each) => each.scope === 'gateway-client')
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
      : findEndpoint(active(), endpointIn(request.endpoint), await readFolding(sql, table))
    const asked = { name, raw: request.endpoint ?? name }
    const places = { sql, trafficSql: options.trafficSql, table, now: now(), refresh: options.refresh }
    const known = model === null ? await findKnown(places, asked) : null
    const state = model === null ? (known?.state ?? null) : (await stateOf(table))(name)
    const rule = (await rulesFor(sql, [name], choice.tier.name))(name)
    const currentLimit = request.currentLimit ?? rule?.limit ?? null
    const advice = recommend({ ...choice, endpoint: name, currentLimit, model, known })
    const found = stated(advice, state, known?.isMissing)
    const { save = false, backtest = false } = request
    if (save) assertKeepable(name)
    const isLimited = !hasNoLimit(found)
    const shown = backtest && isLimited ? await backtestsOf([found], found, hasMethod, gone) : NONE
    const replayed = withEmptyBacktest(found, shown.get(name))
    const notKept = save ? whyNotKept(found) : null
    if (notKept !== null) return answered(withWarning(replayed, notKept), shown.get(name), undefined)
    const [id] = save ? await recommendations.save([toRow(found, rule)]) : []
    return answered(replayed, shown.get(name), id)
  }
  const stateOf = (table: TrafficTable) => stateOfEndpoints(sql, table)
  /** The limit over the whole gateway stands before those of the endpoints, where clients are limited. */
  const ofGateway = (choice: ReturnType<typeof withDefaults>, currentLimit: number | null) => {
    if (choice.scope === 'endpoint') return []
    const gateway = choice.scope === 'gateway-client' ? gatewayOf(trained()) : trained().gateway
    return gateway?.client ? [recommendGateway(gateway, choice, currentLimit)] : []
  }
  /** The recommendations that match, with the rules in force. */
  const matchingOf = async (request: ListRequest) => {
    const choice = withDefaults(request, tiers, trained)
    const endpoints = endpointsOf(request.byMethod ?? false)
    const ruleOf = await rulesFor(sql, [GATEWAY, ...endpoints.keys()], choice.tier.name)
    const currentLimit = (endpoint: string) => ruleOf(endpoint)?.limit ?? null
    const ofEndpoints =
      choice.scope === 'gateway-client'
        ? []
        : [...endpoints].map(([endpoint, model]) =>
            recommend({ ...choice, endpoint, currentLimit: currentLimit(endpoint), model }),
          )
    const stateOfEndpoint = await stateOf(await options.currentTable())
    const all = [...ofGateway(choice, currentLimit(GATEWAY)), ...ofEndpoints].map((each) =>
      stated(each, stateOfEndpoint(each.endpoint)),
    )
    const saved = isSavedStatus(request.status)
      ? await recommendations.newestStatuses(choice.tier.name)
      : NO_STATUSES
    const matching = all.filter((each) => matches(request, each, (endpoint) => saved.get(endpoint)))
    return { choice, matching, ruleOf }
  }
  const recommendAll = async (
    request: AllRateLimitsRequest,
    gone: AbortSignal,
  ): Promise<Page<AnsweredRecommendation>> => {
    const { byMethod = false, backtest = false, save = false } = request
    const { choice, matching, ruleOf } = await matchingOf(request)
    assertCountsRequests(choice.costs, { save })
    const found = pageOf(matching, request)
    const limited = found.filter((each) => !hasNoLimit(each))
    const isReplayed = backtest && limited.length > 0
    const shown = isReplayed ? await backtestsOf(limited, choice, byMethod, gone) : NONE
    const kept = save ? found.filter((each) => whyNotKept(each) === null) : []
    const ids = await recommendations.save(kept.map((each) => toRow(each, ruleOf(each.endpoint))))
    const idOf = new Map(kept.map(({ endpoint }, i) => [endpoint, ids[i]!]))
    const page = found.map((each) => {
      const notKept = save ? whyNotKept(each) : null
      const replayed = withEmptyBacktest(each, shown.get(each.endpoint))
      const told = notKept === null ? replayed : withWarning(replayed, notKept)
      return answered(told, shown.get(each.endpoint), idOf.get(each.endpoint))
    })
    return { page, matching }
  }

  return {
    recommendations,
    warningsOf: (choice) => tierWarnings(choice, tiers),
    recommend: recommendOne,
    recommendAll,
    async clusters(nClusters, request) {
      const { profiles, total } = await profilesOf({ ...request, limit: undefined, offset: undefined })
      // ml-kmeans takes longer to load than all else of the service, and few callers need it.
      const { clusterEndpoints } = await import('../models/clustering/endpoint-clusters.js')
      return { clusters: pageOfClusters(clusterEndpoints([...profiles.values()], nClusters), request), total }
    },
    async rateLimitFile(format, request) {
      assertFormat(format, request)
      const { entries, head } = await entriesOf(request)
      if (entries.length === 0) assertMatch(request)
      return rateLimitFile(format, entries, head)
    },
    async rateLimitList(request) {
      const { entries, head, total } = await entriesOf(request)
      return { ...rateLimitList(entries, head), total }
    },
    profiles: profilesOf,
    async profilesText(request) {
      const { profiles } = await profilesOf(request)
      if (profiles.size === 0) assertMatch(request)
      return profilesCsv([...profiles.values()])
    },
    nothingMatches,
    async backtest(request, gone) {
      const plan = await planOf(request)
      return outcomeOf(plan, await replay(plan, gone))
    },
    async beginBacktest(request, shown) {
      const plan = await planOf(request)
      backtests.assertFree()
      return backtestJobs.begin(shown, async (signal, onProgress) =>
        outcomeOf(plan, await replay(plan, signal, onProgress)),
      )
    },
    backtestJobs,
    closing: stopping.signal,
    close() {
      stopping.abort(new ServiceError('SHUTTING_DOWN', 'The backtest was stopped, as the service is.'))
    },
  }

  async function planOf(request: BacktestRequest): Promise<BacktestPlan> {
    const folding = await readFolding(sql, await options.currentTable())
    return backtestPlan(request, active(), trained, { now: now(), tiers, folding })
  }

  /** Endpoints without a name are not listed one by one: they count with the rest. */
  async function entriesOf(request: RateLimitFileRequest) {
    const { choice, matching } = await matchingOf({ ...request, scope: request.scope ?? 'client' })
    const { tier, strategy } = choice
    const named = matching.filter(({ state }) => state === 'named')
    const head = { tier: tier.name, strategy, generatedAt: now().toISOString() }
    const entries = pageOf(named, request).map(toRateLimitEntry)
    const temporary = await readTemporaryLimits(sql)
    return { entries: withTemporaryLimits(entries, temporary, tier.name), head, total: named.length }
  }

  async function profilesOf(request: ListRequest) {
    const endpoints = endpointsOf(request.byMethod ?? false)
    const { matching } = hasSelection(request)
      ? await matchingOf(request)
      : { matching: [...endpoints.keys()].map((endpoint) => ({ endpoint })) }
    const found = pageOf(matching, request)
    const profiles = new Map(found.map(({ endpoint }) => [endpoint, endpoints.get(endpoint)!.profile]))
    return { profiles, total: matching.length }
  }
}

const NONE: ReadonlyMap<string, ShortBacktest> = new Map()
const NO_STATUSES: ReadonlyMap<string, RecommendationState> = new Map()

function outcomeOf(plan: BacktestPlan, done: Backtested): BacktestOutcome {
  if (done.report.requests === 0) throw nothingToReplay(plan)
  return { ...done, plan, rule: ruleOf(plan) }
}

/** The one rule of a plan; null where each endpoint has its own. */
function ruleOf({ rules, gateway, scope }: BacktestPlan): ReplayRule | null {
  if (scope === 'gateway-client') return gateway
  return rules instanceof Map ? null : (rules as ReplayRule)
}

/** `fastify.optimization`. */
export default fp(
  async (app) => {
    const { config, sql, trafficSql, models, database } = app
    const optimization = createOptimization({
      ...{ sql, trafficSql, models, database, log: app.log },
      connection: database.connection,
      traffic: database.traffic?.connection ?? null,
      currentTable: app.trafficTable,
      assertTraffic: () => database.assertTraffic(),
      tiers: config.tiers,
      retentionDays: config.retentionDays,
      refresh: app.endpoints.refresh,
      ipv6Prefix: config.ipv6Prefix,
      now: () => new Date(),
    })
    app.decorate('optimization', optimization)
    app.addHook('preClose', async () => optimization.close())
  },
  {
    name: 'optimization',
    dependencies: ['config', 'database', 'model-registry', 'traffic-table', 'endpoints'],
  },
)
