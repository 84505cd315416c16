import { Type } from '@sinclair/typebox'
import { amount, count, nullable, oneOf, share, timestamp } from './types.js'

const State = (description: string) => oneOf(['named', 'other', 'ignored', 'attack'], { description })

export const EndpointsQuery = Type.Object({
  state: Type.Optional(State('Only endpoints in this state.')),
  prefix: Type.Optional(
    Type.String({ maxLength: 255, description: 'Only paths that begin with this text.' }),
  ),
  min_requests: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 1_000_000_000,
      description: 'Only endpoints with this many requests or more. Default: 0.',
    }),
  ),
  days: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 90,
      description: 'Only endpoints seen in the last days, 1 to 90. Default: 7.',
    }),
  ),
  sort: Type.Optional(
    oneOf(['requests', 'name', 'last_seen', 'error_share'], { description: 'The order. Default: requests.' }),
  ),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1000,
      description: 'Maximum number of endpoints, 1 to 1,000. Default: 100.',
    }),
  ),
  offset: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'Number of endpoints to skip. Default: 0.' }),
  ),
})

const KnownEndpoint = Type.Object({
  name: Type.String({ description: 'Method and path, as in other requests: `GET /users/{id}`.' }),
  method: Type.String({ description: 'Empty for an ignored path, and where requests have no method.' }),
  path: Type.String({ description: 'The path template; for an ignored path, the pattern.' }),
  state: State(
    'named: it has a profile and a limit. other: it is counted without a name. ignored: path rules say so. attack: scanners ask for it, and it does not exist.',
  ),
  first_seen: timestamp('When its first known request came.'),
  last_seen: timestamp('When its last known request came.'),
  requests: amount('Requests: of a named endpoint in the last days, of another since it is counted.'),
  error_share: nullable(share('Share of requests with status 400 or above, 0 to 1.'), {
    description: 'Share of failed requests. Null without requests.',
  }),
})

const ENDPOINT = {
  name: 'GET /api/orders/{id}',
  method: 'GET',
  path: '/api/orders/{id}',
  state: 'named' as const,
  first_seen: '2026-01-24T12:00:00.000Z',
  last_seen: '2026-01-31T12:00:00.000Z',
  requests: 6000,
  error_share: 0.01,
}

export const EndpointList = Type.Object(
  {
    endpoints: Type.Array(KnownEndpoint, { description: 'The endpoints, in the order of sort.' }),
    total: count('Number of endpoints that match.'),
    limit: count('The limit of the request.'),
    offset: count('The offset of the request.'),
  },
  {
    $id: 'EndpointList',
    description: 'A page of the known endpoints.',
    examples: [{ endpoints: [ENDPOINT], total: 1, limit: 100, offset: 0 }],
  },
)

const pattern = (maxItems: number, description: string) =>
  Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { maxItems, description }))

const GivenRules = Type.Object(
  {
    templates: pattern(
      2000,
      'Endpoints, such as /shop/{category}/{item}: up to 2,000, with those of openapi. Default: none.',
    ),
    ignore: pattern(
      200,
      'Patterns of paths that are no endpoints, such as /static/**. * is any text within a segment, ** any text; up to four in a pattern. Default: none.',
    ),
    openapi: Type.Optional(
      Type.Unknown({
        description: 'An OpenAPI document whose paths are templates: an object, or its text as JSON or YAML.',
      }),
    ),
    case_insensitive: Type.Optional(
      Type.Boolean({ description: 'Whether /Users is /users. Default: false.' }),
    ),
    trailing_slash: Type.Optional(
      oneOf(['strict', 'ignore'], {
        description: 'ignore: /users/ is /users. strict: it is not. Default: strict.',
      }),
    ),
    host: Type.Optional(
      Type.Boolean({ description: 'Whether a known host is part of the endpoint. Default: false.' }),
    ),
  },
  { description: 'Rules as in PATH_RULES. Here, openapi is the OpenAPI document itself.' },
)

export const PreviewBody = Type.Object(
  { rules: GivenRules },
  {
    $id: 'PreviewBody',
    description: 'Path rules.',
    examples: [
      {
        rules: {
          templates: ['/shop/{category}/{item}'],
          ignore: ['/health', '/static/**'],
          case_insensitive: false,
          trailing_slash: 'ignore',
          host: false,
        },
      },
      {
        rules: { openapi: { openapi: '3.1.0', paths: { '/shop/{category}/{item}': {} } } },
      },
    ],
  },
)

const Rules = Type.Object(
  {
    templates: Type.Array(Type.String(), {
      description: 'Declared endpoints, with those of the OpenAPI document.',
    }),
    ignore: Type.Array(Type.String(), { description: 'Patterns of paths that are no endpoints.' }),
    case_insensitive: Type.Boolean({ description: 'Whether /Users is /users.' }),
    trailing_slash: oneOf(['strict', 'ignore'], { description: 'Whether /users/ is /users.' }),
    host: Type.Boolean({ description: 'Whether a known host is part of the endpoint.' }),
  },
  { description: 'The rules, as PUT takes them.' },
)

const rulesInForce = {
  source: oneOf(['stored', 'environment', 'none'], {
    description: 'stored: set by PUT. environment: PATH_RULES. none: there are no rules.',
  }),
  updated_at: nullable(timestamp('When the rules were set.'), {
    description: 'When the stored rules were set. Null for other sources.',
  }),
  applied: Type.Boolean({
    description: 'False while the history is rolled up again. It goes on in the background.',
  }),
  rules: Rules,
}

const RULES_IN_FORCE = {
  source: 'stored' as const,
  updated_at: '2026-01-31T12:00:00.000Z',
  applied: true,
  rules: {
    templates: ['/shop/{category}/{item}'],
    ignore: ['/health'],
    case_insensitive: false,
    trailing_slash: 'strict' as const,
    host: false,
  },
}

export const PathRules = Type.Object(rulesInForce, {
  $id: 'PathRules',
  description: 'The path rules in force.',
  examples: [RULES_IN_FORCE],
})

export const ChangedPathRules = Type.Object(
  {
    changed: Type.Boolean({ description: 'False when nothing had to be done.' }),
    ...rulesInForce,
  },
  {
    $id: 'ChangedPathRules',
    description: 'The path rules in force after a change.',
    examples: [{ changed: true, ...RULES_IN_FORCE, applied: false }],
  },
)

const Previewed = Type.Object({
  endpoint: Type.String({ description: 'The endpoint under the new rules; for ignored paths, the pattern.' }),
  requests: amount('Its requests in the range.'),
  from: Type.Array(Type.String(), {
    description: 'What it is today: up to 20 endpoints, the busiest first.',
  }),
  from_count: count('Number of endpoints that it is today.'),
})

export const EndpointsPreview = Type.Object(
  {
    from: timestamp('Beginning of the range, a week ago.'),
    to: timestamp('End of the range.'),
    paths: count('Number of raw paths that were compared, at most 50,000.'),
    complete: Type.Boolean({ description: 'False when rarer paths were left out.' }),
    endpoints_before: count('Endpoints today, with and without names.'),
    endpoints_after: count('Endpoints under the new rules.'),
    changed: Type.Array(Previewed, { description: 'Endpoints that are new or merged: the busiest 1,000.' }),
    changed_count: count('Number of endpoints that are new or merged.'),
    ignored: Type.Array(Previewed, { description: 'What is ignored.' }),
  },
  {
    $id: 'EndpointsPreview',
    description: 'What rules would do to the last week.',
    examples: [
      {
        ...{ from: '2026-01-24T12:00:00.000Z', to: '2026-01-31T12:00:00.000Z', paths: 431, complete: true },
        ...{ endpoints_before: 380, endpoints_after: 12, changed_count: 1 },
        changed: [
          {
            endpoint: 'GET /shop/{category}/{item}',
            requests: 5000,
            from: ['GET /shop/toys/bear'],
            from_count: 369,
          },
        ],
        ignored: [{ endpoint: '/health', requests: 10080, from: ['GET /health'], from_count: 1 }],
      },
    ],
  },
)

export const endpointSchemas = [EndpointList, PreviewBody, EndpointsPreview, PathRules, ChangedPathRules]
