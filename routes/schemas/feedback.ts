import { Type } from '@sinclair/typebox'
import { FEEDBACK, FEEDBACK_PREVIEW } from './examples/feedback.js'
import { IncidentParams, IncidentType } from './incidents.js'
import { amount, count, nullable, oneOf, ref, Timestamp, timestamp } from './types.js'

const STATES: ['active', 'ended'] = ['active', 'ended']

export const FeedbackQuery = Type.Object({
  state: Type.Optional(oneOf(STATES, { description: 'Only feedback that applies now, or that has ended.' })),
  incident: Type.Optional(
    Type.String({ ...IncidentParams.properties.id, description: 'Only feedback on this incident.' }),
  ),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1000,
      description: 'Maximum number of entries, 1 to 1,000. Default: 100.',
    }),
  ),
  offset: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 1_000_000_000,
      description: 'Number of entries to skip, 0 to 1,000,000,000. Default: 0.',
    }),
  ),
})

export const FeedbackParams = Type.Object({
  id: Type.String({ ...IncidentParams.properties.id, description: 'Id of the feedback.' }),
})

const sizes = (description: string) =>
  Type.Object(
    {
      traffic_spike: amount('Requests too many, as a multiple of the expected ones.'),
      traffic_drop: amount('Requests missing, as a share of the expected ones, 0 to 1.'),
      latency_spike: amount('How much longer the mean latency is, as a multiple of the expected one.'),
      error_rate_spike: amount('Requests that failed more than usual, as a share of the requests, 0 to 1.'),
    },
    { description },
  )

const what = {
  hours: Type.Array(Type.Integer({ minimum: 0, maximum: 23 }), {
    description: 'Hours of the day that it applies to: those of the incident, one before and one after.',
  }),
  time_zone: Type.String({ description: 'The time zone of the hours.' }),
  deviations: Type.Array(
    Type.Object({
      source: Type.String({ description: 'The source. `default` is the gateway with its endpoints.' }),
      endpoint: nullable(Type.String(), { description: 'The endpoint. Null for a source as a whole.' }),
      types: Type.Array(IncidentType('A type of its alarms.'), { description: 'What was abnormal.' }),
      sizes: sizes('The largest deviations of a minute.'),
      up_to: sizes('Deviations up to this size are similar.'),
    }),
    { description: 'How each series of the incident deviated. Without any, nothing is muted.' },
  ),
  expires_at: timestamp('When it ends by itself: 30 days after the mark.'),
}

export const IncidentFeedback = Type.Object(
  {
    id: Type.String({ description: 'Id of the feedback.' }),
    incident_id: Type.String({ description: 'The incident that was none.' }),
    source: Type.String({ description: 'The source of the incident.' }),
    type: IncidentType('The type of the incident.'),
    state: oneOf(STATES, { description: 'active: similar deviations raise no alarm. ended: they do again.' }),
    created_at: timestamp('When the incident was marked.'),
    created_by: nullable(Type.String(), { description: 'Who marked it. Null where it is not known.' }),
    note: nullable(Type.String(), { description: 'What was said. Null without.' }),
    ...what,
    ended_at: nullable(Timestamp, { description: 'When it ended before its time. Null otherwise.' }),
    ended_because: nullable(oneOf(['deleted', 'mark_taken_back', 'replaced']), {
      description:
        'Why it ended before its time. deleted: by DELETE. mark_taken_back: the incident has another state. replaced: by newer feedback, since at most 1,000 applies. Null otherwise.',
    }),
  },
  {
    $id: 'IncidentFeedback',
    description: 'A false positive, and what it mutes.',
    examples: [FEEDBACK],
  },
)

export const FeedbackPage = Type.Object(
  {
    feedback: Type.Array(ref(IncidentFeedback), { description: 'The feedback, newest first.' }),
    total: count('Number of entries that match.'),
    limit: count('The limit of the request.'),
    offset: count('The offset of the request.'),
  },
  {
    $id: 'FeedbackPage',
    description: 'A page of feedback.',
    examples: [{ feedback: [FEEDBACK], total: 1, limit: 100, offset: 0 }],
  },
)

export const FeedbackPreview = Type.Object(
  {
    summary: Type.String({ description: 'The result in words.' }),
    compared: count('How many incidents were compared: the last ones besides this one, at most 40.'),
    muted: Type.Array(Type.String(), {
      description: 'Ids of those that would have been muted, newest first.',
    }),
    acknowledged: Type.Array(Type.String(), {
      description: 'Ids of those of them that somebody acknowledged or resolved.',
    }),
    ...what,
  },
  {
    $id: 'FeedbackPreview',
    description: 'What a mark as a false positive would have muted.',
    examples: [FEEDBACK_PREVIEW],
  },
)

export const feedbackSchemas = [IncidentFeedback, FeedbackPage, FeedbackPreview]
