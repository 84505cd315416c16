import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/metrics',
    {
      config: { access: 'read', slots: 'scrapes' },
      schema: {
        operationId: 'getMetrics',
        tags: ['health'],
        summary: 'Get the metrics of this replica for Prometheus',
        description:
          'The text format 0.0.4 of Prometheus, or OpenMetrics 1.0 where the Accept header prefers it. Each replica has metrics of its own. The answer comes within some seconds, also while the database is away; what only the database knows is absent then.',
        response: {
          '2xx': {
            description: 'The metrics.',
            content: {
              'text/plain': { schema: { type: 'string' } },
              'application/openmetrics-text': { schema: { type: 'string' } },
            },
          },
        },
      },
    },
    async (request, reply) => {
      const { contentType, text } = await app.metrics.scrape(request.headers.accept)
      // As bytes: Fastify would change the charset of a text.
      return reply.type(contentType).header('cache-control', 'no-store').send(Buffer.from(text))
    },
  )
}

export default routes
