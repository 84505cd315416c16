import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { callerClosed } from './caller-closed.js'
import { fromBacktestBody, toBacktest } from './mappers/backtest.js'
import { toBacktestJob } from './mappers/backtest-job.js'
import { toClusters } from './mappers/clusters.js'
import { fromSelection } from './mappers/selection.js'
import { toRecommendation } from './mappers/recommendation.js'
import { Backtest, BacktestBody } from './schemas/backtest.js'
import { BacktestJob } from './schemas/backtest-job.js'
import { Clusters, ClustersQuery } from './schemas/clusters.js'
import { OptimizeAllBody, OptimizeBody, Recommendation, Recommendations } from './schemas/recommendation.js'
import { failures, ref } from './schemas/types.js'

const DEFAULT_CLUSTERS = 5

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/optimize',
    {
      config: { access: 'operate', audit: isSaved },
      schema: {
        operationId: 'optimize',
        tags: ['limits'],
        summary: 'Recommend the limit of an endpoint, or of the whole gateway',
        description:
          'Uses the active rate optimizer. For an unknown endpoint, or when no optimizer is active, it recommends the default of the tier with low confidence.',
        body: ref(OptimizeBody),
        response: { 200: ref(Recommendation), ...failures(400, 409, 413, 415, 503) },
      },
    },
    async (request, reply) => {
      const { current_limit: currentLimit, ...rest } = request.body
      request.warnings.push(...app.optimization.warningsOf(rest))
      const asked = { ...rest, currentLimit }
      return toRecommendation(await app.optimization.recommend(asked, callerClosed(reply)))
    },
  )

  app.post(
    '/optimize/all',
    {
      config: { access: 'operate', audit: false, slots: 'limits' },
      schema: {
        operationId: 'optimizeAll',
        tags: ['limits'],
        summary: 'Recommend the limits of all endpoints',
        body: ref(OptimizeAllBody),
        response: { 200: ref(Recommendations), ...failures(400, 409, 413, 415, 503) },
      },
    },
    async (request, reply) => {
      const asked = fromSelection(request.body)
      request.warnings.push(...app.optimization.warningsOf(asked))
      const { page, matching } = await app.optimization.recommendAll(asked, callerClosed(reply))
      if (page.length === 0) request.warnings.push(app.optimization.nothingMatches(asked))
      const sum = matching.reduce((total, { confidence }) => total + confidence, 0)
      return {
        recommendations: page.map(toRecommendation),
        summary: {
          total_endpoints: matching.filter(({ scope }) => scope !== 'gateway-client').length,
          avg_confidence: matching.length > 0 ? sum / matching.length : 0,
        },
        total: matching.length,
      }
    },
  )

  app.get(
    '/optimize/clusters',
    {
      config: { access: 'read', slots: 'limits' },
      schema: {
        operationId: 'getClusters',
        tags: ['limits'],
        summary: 'Group endpoints by similar traffic',
        querystring: ClustersQuery,
        response: { 200: ref(Clusters), ...failures(400, 409, 503) },
      },
    },
    async (request) => {
      const { n_clusters = DEFAULT_CLUSTERS, ...rest } = fromSelection(request.query)
      const found = await app.optimization.clusters(n_clusters, rest)
      if (request.query.n_clusters !== undefined && n_clusters > found.total) {
        request.warnings.push(
          `n_clusters is ${n_clusters}; it counts as ${found.total}, the number of endpoints.`,
        )
      }
      if (found.clusters.length === 0) request.warnings.push(app.optimization.nothingMatches(rest))
      return toClusters(found)
    },
  )

  app.post(
    '/optimize/backtest',
    {
      config: { access: 'operate', audit: false },
      schema: {
        operationId: 'backtest',
        tags: ['limits'],
        summary: 'Replay recorded traffic through a limit',
        description:
          'Counts what a limit would have rejected: the given limit, or the recommended limit of each endpoint. The replay stops when the caller disconnects. With `wait: false`, the service answers 202 with the job, which reports its progress. At most two replays run at a time.',
        body: ref(BacktestBody),
        response: { 200: ref(Backtest), 202: ref(BacktestJob), ...failures(400, 404, 409, 413, 415, 503) },
      },
    },
    async (request, reply) => {
      const { wait = true, ...body } = request.body
      const asked = fromBacktestBody(body)
      request.warnings.push(...app.optimization.warningsOf(asked))
      if (wait) return toBacktest(await app.optimization.backtest(asked, callerClosed(reply)))
      const job = await app.optimization.beginBacktest(asked, body)
      reply.code(202).header('location', `/optimize/backtest/jobs/${job.id}`)
      return toBacktestJob(job)
    },
  )
}

/** A recommendation that is saved changes something. */
function isSaved({ body }: FastifyRequest): boolean {
  return (body as { save?: boolean }).save === true
}

export default routes
