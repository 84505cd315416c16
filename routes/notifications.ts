import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { callerClosed } from './caller-closed.js'
import { Notifications, NotificationsQuery, NotificationTest } from './schemas/notifications.js'
import { failures, Nothing, ref } from './schemas/types.js'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/notifications',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'listNotifications',
        tags: ['notifications'],
        summary: 'List the last notifications',
        description: 'With their states and failures, and the number in each state for each receiver.',
        querystring: NotificationsQuery,
        response: { 200: ref(Notifications), ...failures(400, 503) },
      },
    },
    async ({ query }) => {
      const { notifications, channels } = await app.notifications.list(query)
      return {
        channels: channels.map(({ channel, counts, isConfigured }) => ({
          ...{ channel, configured: isConfigured },
          ...counts,
        })),
        notifications: notifications.map((each) => ({
          ...{ id: each.id, message_id: each.messageId, channel: each.channel, incident_id: each.incidentId },
          ...{ event: each.event, state: each.state, attempts: each.attempts },
          created_at: each.createdAt.toISOString(),
          next_attempt_at: each.dueAt?.toISOString() ?? null,
          delivered_at: each.deliveredAt?.toISOString() ?? null,
          problem: each.error,
        })),
      }
    },
  )

  app.post(
    '/notifications/test',
    {
      config: { access: 'operate' },
      schema: {
        operationId: 'testNotifications',
        tags: ['notifications'],
        summary: 'Send a test to each receiver',
        description:
          'Waits for the answers, 15 seconds at most. A test is not queued and not repeated. One test runs at a time.',
        body: ref(Nothing),
        response: { 200: ref(NotificationTest), ...failures(400, 413, 415, 503) },
      },
    },
    async (_request, reply) => {
      const answers = await app.notifications.test(callerClosed(reply))
      const channels = answers.map(({ channel, isAccepted, status, problem }) => {
        return { channel, delivered: isAccepted, status, problem }
      })
      return { channels }
    },
  )
}

export default routes
