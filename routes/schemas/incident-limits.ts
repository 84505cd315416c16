import { Type } from '@sinclair/typebox'
import {
  APPLY_LIMIT_BODY,
  INCIDENT_LIMITS,
  INCIDENT_RECOMMENDATION,
  TEMPORARY_LIMIT,
} from './examples/incident-limits.js'
import { Recommendation } from './recommendation.js'
import { count, nullable, oneOf, share, Timestamp, timestamp } from './types.js'

export const IncidentRecommendation = Type.Object(
  {
    ...Recommendation.properties,
    summary: Type.String({ description: 'What the limit does to the incident, and to whom else.' }),
    caused_by: Type.Array(Type.String(), {
      description: 'The clients that caused the incident, the largest first; at most 20.',
    }),
    caused: Type.Object(
      {
        requests: count('Their requests during the incident, or in its first hour.'),
        rejected: count('Those of them that the limit rejects.'),
        rejection_rate: share('rejected / requests, 0 to 1.'),
      },
      { description: 'What the limit does to them.' },
    ),
  },
  {
    $id: 'IncidentRecommendation',
    description:
      'A temporary limit against an incident, as /optimize gives a limit. Its backtest is that of the other clients in the seven days before.',
    examples: [INCIDENT_RECOMMENDATION],
  },
)

const limitFields = {
  endpoint: Type.String({
    description: 'The pattern of the rule: a path template, or `/**` for the gateway.',
  }),
  limit: count('Requests per minute.'),
}

export const IncidentLimits = Type.Object(
  {
    as_of: timestamp('When these limits were in force.'),
    limits: Type.Array(
      Type.Object({
        ...limitFields,
        tier: nullable(Type.String(), { description: 'The tier. Null for all tiers.' }),
        burst: nullable(Type.Integer({ minimum: 1 }), {
          description: 'Requests at once. Null where it is not known.',
        }),
        scope: oneOf(['endpoint', 'client'], {
          description: 'Whether all callers share the limit, or each client has its own.',
        }),
      }),
      { description: 'The limits in force that apply to its requests, at most 20.' },
    ),
    requests: count('Requests that were replayed: of the incident, or of its first hour.'),
    rejected: count('Requests that the limits in force reject.'),
    rejection_rate: share('rejected / requests, 0 to 1.'),
    clients: count('Clients of these requests.'),
    clients_affected: count('Clients with a rejected request.'),
    is_complete: Type.Boolean({ description: 'False where the replay was ended before the last request.' }),
  },
  {
    $id: 'IncidentLimits',
    description: 'What the limits in force would have done to an incident.',
    examples: [INCIDENT_LIMITS],
  },
)

export const TemporaryLimit = Type.Object(
  {
    incident_id: Type.String({ description: 'Id of the incident.' }),
    ...limitFields,
    tier: Type.String({ description: 'The tier of the rule.' }),
    burst: count('Requests at once.'),
    applied_at: timestamp('When it was applied.'),
    applied_by: nullable(Type.String(), { description: 'Who applied it. Null where it is not known.' }),
    expires_at: timestamp('When its time is over.'),
    ended_at: nullable(Timestamp, { description: 'When it was ended. Null while it is in force.' }),
    ended_by: nullable(Type.String(), {
      description: 'Who ended it. Null while it is in force, and where its time was over.',
    }),
    outcome: nullable(oneOf(['removed', 'restored', 'left']), {
      description:
        'What became of the rule. restored: the rule that was there before is in force again. left: somebody had changed the rule meanwhile, and it stays. Null while it is in force.',
    }),
    instead_of: nullable(Type.Number(), {
      description: 'Requests per minute of the rule that it stands in for. Null where there was none.',
    }),
  },
  {
    $id: 'TemporaryLimit',
    description: 'A limit that was applied against an incident.',
    examples: [TEMPORARY_LIMIT],
  },
)

const Author = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 255, pattern: '^[^\\u0000]*$', description }))

export const ApplyLimitBody = Type.Object(
  {
    by: Author('Who applies it, 1 to 255 characters. For a caller with a key, its name counts instead.'),
    minutes: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1440,
        description: 'For how long, 1 to 1,440 minutes. Default: 60.',
      }),
    ),
  },
  {
    $id: 'ApplyLimitBody',
    description: 'Who applies the limit, and for how long.',
    examples: [APPLY_LIMIT_BODY],
  },
)

export const EndLimitQuery = Type.Object({
  by: Author('Who ends it, 1 to 255 characters. For a caller with a key, its name counts instead.'),
})

export const incidentLimitSchemas = [IncidentRecommendation, IncidentLimits, TemporaryLimit, ApplyLimitBody]
