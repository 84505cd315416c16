import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Alive, Health, Ready } from './schemas/health.js'
import { failures, ref } from './schemas/types.js'

const TRAFFIC_AWAY =
  'The traffic database (TRAFFIC_POSTGRES_HOST) is away. Detection continues; training, export and backtests have to wait.'

const routes: FastifyPluginAsyncTypebox<{ version: string }> = async (app, { version }) => {
  app.get(
    '/health',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'getHealth',
        tags: ['health'],
        summary: 'Get the state of the service',
        description: 'The status is 200 even when the service is degraded.',
        response: { 200: ref(Health) },
      },
    },
    async () => {
      const { traffic } = app.database
      const [database, trafficDatabase] = await Promise.all([app.database.status(), traffic?.status()])
      const { anomaly: detector, optimizer } = app.models.active
      const away = 'The database is away. Detection continues; training has to wait.'
      const problems = [
        ...(database === 'connected' ? app.database.problems : [away]),
        ...(trafficDatabase === undefined || traffic === null
          ? []
          : trafficDatabase === 'connected'
            ? traffic.problems
            : [TRAFFIC_AWAY]),
        ...app.models.problems,
        ...(app.prometheus?.problem === undefined ? [] : [app.prometheus.problem]),
      ]
      return {
        status: problems.length === 0 ? ('healthy' as const) : ('degraded' as const),
        service: 'aegis-ml' as const,
        version,
        timestamp: new Date().toISOString(),
        uptime_seconds: process.uptime(),
        models: {
          anomaly_detector: {
            loaded: detector !== null,
            trained: detector !== null,
            version: detector?.version ?? null,
          },
          rate_optimizer: {
            loaded: optimizer !== null,
            trained: optimizer !== null,
            version: optimizer?.version ?? null,
          },
        },
        database,
        database_mode: app.database.mode,
        traffic_database: trafficDatabase ?? null,
        problems,
      }
    },
  )

  app.get(
    '/health/live',
    {
      config: { access: 'open', isProbe: true },
      schema: {
        operationId: 'getLiveness',
        tags: ['health'],
        summary: 'Check that the process is alive',
        response: { 200: ref(Alive) },
      },
    },
    async () => ({ status: 'alive' as const }),
  )

  app.get(
    '/health/ready',
    {
      config: { access: 'open', isProbe: true },
      schema: {
        operationId: 'getReadiness',
        tags: ['health'],
        summary: 'Check that the service is ready',
        description:
          'Answers 503 when the database, or the one that has the request log, cannot be reached or the service is stopping.',
        response: { 200: ref(Ready), ...failures(503) },
      },
    },
    async () => {
      await app.database.assertConnected()
      await app.database.traffic?.assertConnected()
      return { status: 'ready' as const }
    },
  )
}

export default routes
