import { createMLMiddleware, createMLRouter, mlFastify, type MLMiddlewareOptions } from '@aegis/ml-client'
import express from 'express'
import Fastify, { type FastifyRequest } from 'fastify'
import t from 'tap'

t.test('the frameworks take the middleware by their own types, and a wrong option is seen', async (t) => {
  const app = express()
  const options: MLMiddlewareOptions = {
    enabled: false,
    record: { userId: (request: express.Request) => request.get('x-user') },
    onAnomaly: async ({ explanation, severity }, { total_requests }) => [
      explanation,
      severity,
      total_requests,
    ],
    onResolved: ({ incidentId, since }, { explanation }) => [incidentId?.length, since, explanation],
    exclude: ['/health', '/metrics*'],
  }
  const middleware = createMLMiddleware(options)
  app.use(middleware)
  app.use('/ml', createMLRouter({ middleware, train: false }))
  const fastify = Fastify()
  fastify.register(mlFastify)
  await fastify.close()
  const other = Fastify()
  other.register(mlFastify, { enabled: false, record: { userId: ({ ip }: FastifyRequest) => ip } })
  await other.close()
  // @ts-expect-error the name is aggregationIntervalMs
  createMLMiddleware({ enabled: false, intervalMs: 60_000 })
  // @ts-expect-error thresholds are numbers
  t.throws(() => createMLMiddleware({ enabled: false, alertThreshold: 'high' }))
  // @ts-expect-error the names of verdicts are the service's
  createMLMiddleware({ enabled: false, onAnomaly: ({ normalizedScore }) => normalizedScore })
})
