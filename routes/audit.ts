import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { AuditPage, AuditQuery } from './schemas/audit.js'
import { failures, ref } from './schemas/types.js'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/audit',
    {
      config: { access: 'admin' },
      schema: {
        operationId: 'listAudit',
        tags: ['audit'],
        summary: 'List who changed what',
        description:
          'Newest first. Each request that changes something has an entry, which is durable before its answer is sent, and so has what the service changes by itself. No route changes or deletes entries.',
        querystring: AuditQuery,
        response: { 200: ref(AuditPage), ...failures(400, 503) },
      },
    },
    async ({ query }) => {
      const { entries, next } = await app.audit.list(query)
      return { entries: entries.map(toEntry), next }
    },
  )
}

type Stored = Awaited<ReturnType<FastifyInstance['audit']['list']>>['entries'][number]

function toEntry({ id, at, actor, caller, role, operation, target, input, ...rest }: Stored) {
  const { address, forwardedFor, userAgent, requestId, outcome, status, code } = rest
  return {
    ...{ id, at: at.toISOString(), actor, caller, role, operation, target, input },
    ...{ address, forwarded_for: forwardedFor, user_agent: userAgent, request_id: requestId },
    ...{ outcome, status, code },
  }
}

export default routes
