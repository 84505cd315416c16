import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { About, Version } from './schemas/about.js'
import { failures, ref } from './schemas/types.js'

const routes: FastifyPluginAsyncTypebox<{ version: string }> = async (app, { version }) => {
  const about = { service: 'aegis-ml', version } as const

  app.get(
    '/',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'getAbout',
        tags: ['health'],
        summary: 'Get the name and the version of the service',
        description:
          'A GET with the content type application/json gets 404, as from the old service: programs that send it to every path rely on that.',
        response: { 200: ref(About), ...failures(404) },
      },
    },
    async (request, reply) => {
      if (request.headers['content-type'] !== undefined) return reply.callNotFound() as never
      return { ...about, health: '/health', docs: '/docs' }
    },
  )

  app.get(
    '/version',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'getVersion',
        tags: ['health'],
        summary: 'Get the version of the service',
        response: { 200: ref(Version) },
      },
    },
    async () => about,
  )
}

export default routes
