import { Type } from '@sinclair/typebox'
import { APPLIED, APPLY_BODY, REJECT_BODY, SAVED_RECOMMENDATIONS } from './examples/limits.js'
import { clientLimits, Endpoint, LongWindow, Scope, SCOPE } from './limit-choice.js'
import { count, nullable, oneOf, ref, Timestamp, timestamp } from './types.js'

const Status = (description: string) => oneOf(['pending', 'applied', 'rejected', 'expired'], { description })

export const KeptQuery = Type.Object({
  status: Type.Optional(Status('Only recommendations with this status.')),
  endpoint: Type.Optional(Endpoint('Only recommendations for this endpoint.')),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1000,
      description: 'Maximum number of recommendations, 1 to 1,000. Default: 100.',
    }),
  ),
  offset: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 1_000_000_000,
      description: 'Number of recommendations to skip, 0 to 1,000,000,000. Default: 0.',
    }),
  ),
})

const number = (description: string) => nullable(Type.Integer({ minimum: 0 }), { description })
const text = (description: string) => nullable(Type.String(), { description })

export const KeptRecommendation = Type.Object(
  {
    id: Type.String({ description: 'Id of the recommendation.' }),
    generated_at: timestamp('When the recommendation was saved.'),
    endpoint: Type.String({ description: 'The endpoint of the recommendation.' }),
    tier: text('Tier of the callers. Null when it is unknown.'),
    current_limit: number(
      'The limit in force at that time, in requests per minute. Null when it is unknown.',
    ),
    current_burst: number('The burst in force at that time, in requests. Null when it is unknown.'),
    recommended_limit: count('The recommended limit, in requests per minute.'),
    recommended_burst: number('The number of requests allowed at once. Null when it is unknown.'),
    strategy: text('How strict the limit is. Null when it is unknown.'),
    confidence: nullable(Type.Number(), {
      description: 'Confidence in the recommendation, 0 to 1. Null when it is unknown.',
    }),
    reasoning: text('How the limit was computed. Null when it is unknown.'),
    warnings: Type.Array(Type.String(), { description: 'What to check before you apply the limit.' }),
    scope: nullable(Scope(SCOPE), {
      description: 'Whose requests the limit counts. Null when another program wrote the row.',
    }),
    long_window: nullable(LongWindow, {
      description:
        'A second limit over a longer window. Null when there is none. Applying the recommendation does not write it, because rate_limit_rules has no column for it.',
    }),
    ...clientLimits,
    profile: Type.Unknown({ description: 'The traffic of the endpoint. Null for an unknown endpoint.' }),
    status: Status('Status of the recommendation.'),
    applied_at: nullable(Timestamp, { description: 'When it was applied. Null unless it was applied.' }),
    applied_by: text('Who applied it. Null when it is unknown.'),
    rejection_reason: text('Why it was rejected. Null when no reason was given.'),
    expires_at: nullable(Timestamp, { description: 'When it expires. Null when it does not expire.' }),
  },
  { $id: 'KeptRecommendation', description: 'A saved recommendation.', examples: [APPLIED] },
)

export const KeptRecommendations = Type.Object(
  {
    recommendations: Type.Array(ref(KeptRecommendation), {
      description: 'The saved recommendations, newest first.',
    }),
    total: count('Number of saved recommendations that match.'),
    limit: count('The limit of the request.'),
    offset: count('The offset of the request.'),
  },
  {
    $id: 'KeptRecommendations',
    description: 'A page of saved recommendations.',
    examples: [SAVED_RECOMMENDATIONS],
  },
)

export const KeptParams = Type.Object({
  id: Type.String({
    minLength: 1,
    maxLength: 64,
    pattern: '^[\\w-]+$',
    description: 'Id of the saved recommendation.',
  }),
})

const Words = { minLength: 1, pattern: '^[^\\u0000]*$' }

export const ApplyBody = Type.Object(
  {
    applied_by: Type.Optional(
      Type.String({
        ...Words,
        maxLength: 255,
        description: 'Who applies it, 1 to 255 characters. For a caller with a key, its name counts instead.',
      }),
    ),
  },
  { $id: 'ApplyBody', description: 'Who applies the recommendation.', examples: [APPLY_BODY] },
)

export const RejectBody = Type.Object(
  {
    reason: Type.Optional(
      Type.String({ ...Words, maxLength: 1000, description: 'Why it is rejected, 1 to 1,000 characters.' }),
    ),
  },
  { $id: 'RejectBody', description: 'Why the recommendation is rejected.', examples: [REJECT_BODY] },
)
