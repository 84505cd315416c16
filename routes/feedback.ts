import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { toFeedbackPreview, toIncidentFeedback } from './mappers/feedback.js'
import {
  FeedbackPage,
  FeedbackParams,
  FeedbackPreview,
  FeedbackQuery,
  IncidentFeedback,
} from './schemas/feedback.js'
import { IncidentParams } from './schemas/incidents.js'
import { failures, Nothing, ref } from './schemas/types.js'

const DEFAULT_LIMIT = 100

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/feedback',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'listFeedback',
        tags: ['incidents'],
        summary: 'List what is muted by false positives',
        description:
          'Newest first. Each mark of an incident as a false positive mutes similar deviations for 30 days.',
        querystring: FeedbackQuery,
        response: { 200: ref(FeedbackPage), ...failures(400, 503) },
      },
    },
    async ({ query }) => {
      const { state, incident: incidentId = null, limit = DEFAULT_LIMIT, offset = 0 } = query
      const isActive = state === undefined ? null : state === 'active'
      const { feedback, total } = await app.feedback.list({ isActive, incidentId, limit, offset })
      return { feedback: feedback.map(toIncidentFeedback), total, limit, offset }
    },
  )

  app.get(
    '/feedback/:id',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'getFeedback',
        tags: ['incidents'],
        summary: 'Get feedback',
        params: FeedbackParams,
        response: { 200: ref(IncidentFeedback), ...failures(400, 404, 503) },
      },
    },
    async ({ params }) => toIncidentFeedback(await app.feedback.find(params.id)),
  )

  app.delete(
    '/feedback/:id',
    {
      config: { access: 'operate' },
      schema: {
        operationId: 'deleteFeedback',
        tags: ['incidents'],
        summary: 'End feedback',
        description:
          'Similar deviations raise alarms again, from the next minute on. The incident stays a false positive. Feedback that has ended stays as it is.',
        params: FeedbackParams,
        response: { 200: ref(IncidentFeedback), ...failures(400, 404, 503) },
      },
    },
    async ({ params }) => toIncidentFeedback(await app.feedback.withdraw(params.id)),
  )

  app.post(
    '/incidents/:id/false-positive/preview',
    {
      config: { access: 'operate', audit: false, slots: 'compute' },
      schema: {
        operationId: 'previewFalsePositive',
        tags: ['incidents'],
        summary: 'Preview a false positive',
        description:
          'Shows what the mark would mute, and which of the last 40 incidents it would have muted. Nothing is changed.',
        params: IncidentParams,
        body: ref(Nothing),
        response: { 200: ref(FeedbackPreview), ...failures(400, 404, 413, 415, 503) },
      },
    },
    async ({ params }) => toFeedbackPreview(await app.feedback.preview(params.id)),
  )
}

export default routes
