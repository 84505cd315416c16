import { Type } from '@sinclair/typebox'
import { count, nullable, oneOf, timestamp } from './types.js'

const MAX_LIMIT = 1_000_000

export const Tier = (description: string) =>
  Type.String({ maxLength: 255, pattern: '^[^\\u0000]*$', description, examples: ['default'] })
export const Strategy = (description: string, options: object = {}) =>
  oneOf(['conservative', 'balanced', 'permissive', 'adaptive'], { description, ...options })
export const Scope = (description: string) => oneOf(['endpoint', 'client', 'gateway-client'], { description })

export const SCOPE =
  'endpoint: one limit for all callers together. client: one limit for each client. gateway-client: one limit for each client over all endpoints together.'

const UNITS = ['requests', 'latency_ms'] as const

/** Which limit is asked for. */
export const choice = {
  tier: Type.Optional(
    Tier(
      'Tier of the callers, in any case: default, free, basic, standard, premium, enterprise or one of TIERS. Any other counts as default, with a warning. Default: default.',
    ),
  ),
  strategy: Type.Optional(Strategy('How strict the limit is. Default: balanced.')),
  scope: Type.Optional(Scope(`${SCOPE} Default: endpoint.`)),
  cost: Type.Optional(
    oneOf([...UNITS], {
      description:
        'What a request counts as: requests, one; latency_ms, the mean latency of its endpoint in milliseconds. latency_ms is for the scopes client and gateway-client. Default: requests.',
    }),
  ),
}

export const ByMethod = Type.Boolean({
  description: 'If true, each method of a path is an endpoint of its own. Default: false.',
})

export const Endpoint = (description: string) =>
  Type.String({
    minLength: 1,
    maxLength: 2048,
    pattern: '^[^\\u0000]*$',
    description,
    examples: ['/api/users/{id}'],
  })

export const ENDPOINT =
  'A path template with all its methods, one method of it such as `POST /api/users`, or a raw path.'

export const limit = (description: string) => Type.Integer({ minimum: 1, maximum: MAX_LIMIT, description })

export const LongWindow = Type.Object({
  seconds: count('Length of the window in seconds.'),
  limit: count('Requests allowed in the window.'),
})

const Weight = Type.Object({
  endpoint: Type.String({ description: 'The path template, with all its methods.' }),
  weight: count('What a request of it counts as, at least 1.'),
})

/** What a limit counts, in every answer. */
export const unitFields = {
  unit: Type.Optional(
    oneOf([...UNITS], {
      description:
        'What the limit, the burst and the windows count: requests, or latency_ms: milliseconds of backend time, by the weights.',
    }),
  ),
  weights: Type.Optional(
    Type.Array(Weight, {
      description: 'What requests count as, by endpoint, at most 2,000. Only with the unit latency_ms.',
    }),
  ),
  default_weight: Type.Optional(
    count('What a request of any other endpoint counts as. Only with the unit latency_ms.'),
  ),
}

const Exception = Type.Object(
  {
    client: Type.String({ description: 'The user id, the address, or the IPv6 network.' }),
    kind: oneOf(['user', 'address'], { description: 'How the gateway knows the client.' }),
    limit: count('Requests allowed per minute.'),
    burst: count('Requests allowed at once.'),
    reason: Type.String({ description: 'Why the client is taken for a legitimate program.' }),
    review_at: timestamp('When a person should look at the exception again.'),
  },
  {
    description: 'A legitimate program with a limit of its own. Its limit replaces all others of the entry.',
  },
)

/** What a limit of clients has beside its number, in every answer. */
export const clientLimits = {
  day_window: Type.Optional(
    nullable(LongWindow, { description: 'A third limit over a day (UTC). Null when there is none.' }),
  ),
  failures: Type.Optional(
    nullable(LongWindow, {
      description:
        'Responses 401, 403 and 404 allowed for one client in a window. Null unless the scope is gateway-client.',
    }),
  ),
  distinct_paths: Type.Optional(
    nullable(LongWindow, {
      description:
        'Different paths allowed for one client in a window. Null unless the scope is gateway-client.',
    }),
  ),
  exceptions: Type.Optional(
    Type.Array(Exception, {
      description: 'Legitimate programs with a limit of their own, the busiest first, at most 1,000.',
    }),
  ),
}

export const LONG_WINDOW = 'A second limit over a longer window. Null when there is none.'

const STATUSES = [
  ...(['named', 'other', 'ignored', 'attack'] as const),
  ...(['pending', 'applied', 'rejected', 'expired'] as const),
]

/** Which endpoints an answer has. */
export const selection = {
  min_requests: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 1_000_000_000,
      description: 'Only endpoints with this many requests or more in the training data. Default: 0.',
    }),
  ),
  min_confidence: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'Only endpoints whose limit has this confidence or more, 0 to 1. Default: 0.',
    }),
  ),
  status: Type.Optional(
    oneOf([...STATUSES], {
      description:
        'Only endpoints in this state (named, other, ignored or attack, as in GET /endpoints), or whose newest saved recommendation has this status (pending, applied, rejected or expired).',
    }),
  ),
  prefix: Type.Optional(
    Type.String({
      maxLength: 255,
      pattern: '^[^\\u0000]*$',
      description: 'Only endpoints whose path begins with this text. The whole gateway has no path.',
    }),
  ),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1000,
      description: 'Maximum number of endpoints, 1 to 1,000. Default: all.',
    }),
  ),
  offset: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'Number of endpoints to skip. Default: 0.' }),
  ),
}

/** How many endpoints match, beside a page of them. */
export const total = Type.Optional(count('Number of endpoints that match, on all pages.'))
