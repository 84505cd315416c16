import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Static } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { goneSignal } from './gone.js'
import { Backtest, BacktestBody } from './schemas/backtest.js'
import { Clusters, ClustersQuery } from './schemas/clusters.js'
import { OptimizeAllBody, OptimizeBody, Recommendation, Recommendations } from './schemas/recommendation.js'
import { failures, ref } from './schemas/types.js'

const DEFAULT_CLUSTERS = 5

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/optimize',
    {
      schema: {
        operationId: 'optimize',
        tags: ['limits'],
        summary: 'Recommend the limit of an endpoint',
        description:
          'Uses the active rate optimizer. For an unknown endpoint, or when no optimizer is active, it recommends the default of the tier with low confidence.',
        body: ref(OptimizeBody),
        response: { 200: ref(Recommendation), ...failures(400, 409, 413, 415, 503) },
      },
    },
    async (request, reply) => toAnswer(await app.optimization.recommend(request.body, goneSignal(reply))),
  )

  app.post(
    '/optimize/all',
    {
      schema: {
        operationId: 'optimizeAll',
        tags: ['limits'],
        summary: 'Recommend the limits of all endpoints',
        body: ref(OptimizeAllBody),
        response: { 200: ref(Recommendations), ...failures(400, 409, 413, 415, 503) },
      },
    },
    async (request, reply) => {
      const found = await app.optimization.recommendAll(request.body, goneSignal(reply))
      const sum = found.reduce((total, { confidence }) => total + confidence, 0)
      return {
        recommendations: found.map(toAnswer),
        summary: {
          total_endpoints: found.length,
          avg_confidence: found.length > 0 ? sum / found.length : 0,
        },
      }
    },
  )

  app.get(
    '/optimize/clusters',
    {
      schema: {
        operationId: 'getClusters',
        tags: ['limits'],
        summary: 'Group endpoints by similar traffic',
        querystring: ClustersQuery,
        response: { 200: ref(Clusters), ...failures(400, 409) },
      },
    },
    async (request) => {
      const { n_clusters = DEFAULT_CLUSTERS, by_method = false } = request.query
      const found = app.optimization.clusters(n_clusters, by_method)
      return {
        clusters: Object.fromEntries(found.map(({ name, endpoints }) => [name, [...endpoints]])),
        details: Object.fromEntries(found.map(({ name, size, centre }) => [name, { size, centre }])),
      }
    },
  )

  app.post(
    '/optimize/backtest',
    {
      schema: {
        operationId: 'backtest',
        tags: ['limits'],
        summary: 'Replay recorded traffic through a limit',
        description:
          'Counts what a limit would have rejected: the given limit, or the recommended limit of each endpoint. The replay stops when the caller disconnects. At most two replays run at a time.',
        body: ref(BacktestBody),
        response: { 200: ref(Backtest), ...failures(400, 404, 409, 413, 415, 503) },
      },
    },
    async (request, reply) => toBacktest(await app.optimization.backtest(request.body, goneSignal(reply))),
  )
}

type Optimization = FastifyInstance['optimization']
type Advice = Awaited<ReturnType<Optimization['recommend']>>
type Outcome = Awaited<ReturnType<Optimization['backtest']>>

/** Copies the lists, because those of the schema are not read-only. */
function toAnswer(found: Advice): Static<typeof Recommendation> {
  const { burst_curve, runaway_names, warnings } = found
  return {
    ...found,
    burst_curve: [...burst_curve],
    runaway_names: [...runaway_names],
    warnings: [...warnings],
  }
}

const MAX_ENDPOINTS = 50
const seconds = (ms: number) => ms / 1000

function toBacktest({ report, names, plan, rule, seconds: took }: Outcome): Static<typeof Backtest> {
  const { requests, rejected, clients, clientsAffected } = report
  return {
    endpoint: plan.endpoint,
    scope: plan.scope,
    algorithm: plan.algorithm,
    rule: rule && toRule(rule),
    from: plan.from.toISOString(),
    to: plan.to.toISOString(),
    requests,
    rejected,
    rejection_rate: report.rejectionRate,
    rejected_by_long_window: report.rejectedByLongWindow,
    clients,
    clients_affected: clientsAffected,
    clients_affected_rate: clients > 0 ? clientsAffected / clients : 0,
    worst_minutes: report.worstMinutes.map(toMinute),
    worst_clients: report.worstClients.map(({ client, ...tally }) => ({
      client: names.clients[client]!,
      ...tally,
    })),
    by_tier: report.byTier
      .map((tally, tier) => ({ tier: names.tiers[tier]!, ...tally }))
      .filter(({ tier, requests }) => tier !== '' && requests > 0),
    by_endpoint: report.byEndpoint
      .map((tally, endpoint) => ({ endpoint: names.endpoints[endpoint]!, ...tally }))
      .filter(({ requests }) => requests > 0)
      .sort((a, b) => b.rejected - a.rejected)
      .slice(0, MAX_ENDPOINTS),
    peak_offered: report.peakOffered && toMinute(report.peakOffered),
    peak_admitted: report.peakAdmitted && toMinute(report.peakAdmitted),
    unattributed: report.unattributed,
    seconds: took,
  }
}

function toRule({ limit, burst, windowMs, longWindow }: NonNullable<Outcome['rule']>) {
  const long_window = longWindow ? { seconds: seconds(longWindow.windowMs), limit: longWindow.limit } : null
  return { limit, burst, window_seconds: seconds(windowMs), long_window }
}

function toMinute({ minuteMs, requests, rejected }: NonNullable<Outcome['report']['peakOffered']>) {
  return { minute: new Date(minuteMs).toISOString(), requests, rejected }
}

export default routes
