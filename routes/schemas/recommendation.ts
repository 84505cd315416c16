import { Type } from '@sinclair/typebox'
import {
  OPTIMIZE_ALL_BODIES,
  OPTIMIZE_BODIES,
  PROFILE,
  RECOMMENDATION,
  RECOMMENDATIONS,
} from './examples/limits.js'
import {
  ByMethod,
  choice,
  clientLimits,
  Endpoint,
  ENDPOINT,
  LONG_WINDOW,
  LongWindow,
  Scope,
  SCOPE,
  selection,
  Strategy,
  Tier,
  total,
  unitFields,
} from './limit-choice.js'
import { amount, count, nullable, oneOf, ref, share, timestamp } from './types.js'

const extras = {
  backtest: Type.Optional(
    Type.Boolean({
      description: 'If true, the service also replays the last seven days with the limit. Default: false.',
    }),
  ),
  save: Type.Optional(
    Type.Boolean({
      description:
        'If true, the service also saves the recommendation. It expires after seven days unless you apply or reject it. Not with cost latency_ms. Default: false.',
    }),
  ),
}

export const OptimizeBody = Type.Object(
  {
    endpoint: Type.Optional(
      Endpoint(`${ENDPOINT} Required, unless the scope is gateway-client, which has none.`),
    ),
    current_limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 2_147_483_647,
        'x-absent': 0,
        description:
          'The limit in force, in requests per minute. 0 and null mean that it is not given. Not with cost latency_ms. Default: the limit in rate_limit_rules.',
      }),
    ),
    ...choice,
    // The old service refused it here.
    strategy: Type.Optional(
      Strategy('How strict the limit is. Default: balanced.', { 'x-refuses-null': true }),
    ),
    ...extras,
  },
  { $id: 'OptimizeBody', description: 'The limit to recommend.', examples: OPTIMIZE_BODIES },
)

export const OptimizeAllBody = Type.Object(
  {
    ...choice,
    strategy: Type.Optional(
      Strategy(
        'How strict the limits are. Any other text counts as balanced, with a warning. Default: balanced.',
        {
          'x-otherwise': 'balanced',
        },
      ),
    ),
    ...extras,
    by_method: Type.Optional(ByMethod),
    ...selection,
  },
  { $id: 'OptimizeAllBody', description: 'The limits to recommend.', examples: OPTIMIZE_ALL_BODIES },
)

export const Profile = Type.Object(
  {
    endpoint: Type.String({ description: 'The path template.' }),
    method: nullable(Type.String(), {
      description:
        'The HTTP method. For all methods together, the one with the most requests. Null when it is unknown.',
    }),
    avg_requests_per_minute: amount(
      'Mean of the requests per minute over all minutes of the training range.',
    ),
    peak_requests_per_minute: amount('Requests in the busiest minute.'),
    p95_requests_per_minute: amount('95th percentile of the requests per minute.'),
    avg_latency_ms: amount('Mean response time in milliseconds.'),
    error_rate: share('Share of requests with a status of 400 or above, 0 to 1.'),
    unique_users: count(
      'Number of different users. For requests without a user id, the IP address counts as the user.',
    ),
    total_requests: count('Number of requests in the training data.'),
    typical_burst_size: amount(
      'Requests in a busy second: the 99th percentile over all seconds with requests.',
    ),
    largest_burst_size: count('Requests in the busiest second.'),
    time_of_day_variance: amount(
      'How much the traffic varies over the day: the coefficient of variation of the hours.',
    ),
  },
  { $id: 'Profile', description: 'The traffic of an endpoint in the training data.', examples: [PROFILE] },
)

const CurvePoint = Type.Object({
  limit: count('A rate in requests per minute.'),
  burst: amount('The burst that the recorded traffic needs at this rate, in requests.'),
})

const ShortBacktest = Type.Object(
  {
    from: timestamp('Start of the replayed range.'),
    to: timestamp('End of the replayed range.'),
    requests: count('Number of replayed requests.'),
    rejected: count('Number of requests that the limit rejects.'),
    rejection_rate: share('rejected / requests, 0 to 1.'),
    clients: nullable(Type.Integer({ minimum: 0 }), {
      description:
        'Number of clients. Null when all endpoints are replayed together: clients are counted by POST /optimize for one endpoint.',
    }),
    clients_affected: nullable(Type.Integer({ minimum: 0 }), {
      description:
        'Number of clients with a rejected request. Null when all endpoints are replayed together.',
    }),
  },
  { description: 'The replay of the last seven days. Only with backtest.' },
)

export const Recommendation = Type.Object(
  {
    endpoint: Type.String({ description: 'The endpoint of the recommendation.' }),
    tier: Tier('Tier of the callers.'),
    strategy: Strategy('How strict the limit is.'),
    scope: Scope(SCOPE),
    current_limit: nullable(Type.Integer({ minimum: 0 }), {
      description: 'The limit in force, in requests per minute. Null when it is unknown.',
    }),
    state: Type.Optional(
      oneOf(['named', 'other', 'ignored', 'attack', 'unknown'], {
        description:
          'What the endpoint is, as in GET /endpoints. other: known but unnamed. unknown: it has no traffic.',
      }),
    ),
    recommended_limit: nullable(Type.Integer({ minimum: 1 }), {
      description:
        'The recommended limit, in requests (or the unit) per minute, at least 1. Null for the states attack and ignored, and for a path that is not found.',
    }),
    recommended_burst: nullable(Type.Integer({ minimum: 1 }), {
      description:
        'The number of requests allowed at once, at least 1. Null for the states attack and ignored, and for a path that is not found.',
    }),
    ...unitFields,
    long_window: nullable(LongWindow, { description: LONG_WINDOW }),
    ...clientLimits,
    confidence: share('Confidence in the recommendation, 0 to 1.'),
    interval: nullable(
      Type.Object({
        lower: Type.Number({ description: 'Lower end, in requests per minute.' }),
        upper: Type.Number({ description: 'Upper end, in requests per minute.' }),
      }),
      {
        description: '90 % interval of the limit over resampled days. Null without traffic data.',
      },
    ),
    burst_curve: Type.Array(CurvePoint, {
      description: 'The burst that the recorded traffic needs at several rates, by ascending rate.',
    }),
    client_peaks: nullable(
      Type.Object({
        p50: amount('Median.'),
        p90: amount('90th percentile.'),
        p99: amount('99th percentile.'),
      }),
      {
        description:
          'Requests in the busiest minute of each client, over all clients. Null for the scope endpoint.',
      },
    ),
    clients: nullable(Type.Integer({ minimum: 0 }), {
      description: 'Number of clients in the training data. Null for the scope endpoint.',
    }),
    runaway_clients: count('Number of floods and scrapers that the limit ignores.'),
    runaway_names: Type.Array(Type.String(), { description: 'The first ten of those clients.' }),
    reasoning: Type.String({ description: 'How the limit was computed, with the figures.' }),
    warnings: Type.Array(Type.String(), { description: 'What to check before you apply the limit.' }),
    profile: nullable(ref(Profile), {
      description: 'The traffic of the endpoint. Null for an unknown endpoint.',
    }),
    backtest: Type.Optional(ShortBacktest),
    id: Type.Optional(Type.String({ description: 'Id of the saved recommendation. Only with save.' })),
  },
  {
    $id: 'Recommendation',
    description: 'The recommended limit of an endpoint, and the evidence for it.',
    examples: [RECOMMENDATION],
  },
)

export const Recommendations = Type.Object(
  {
    recommendations: Type.Array(ref(Recommendation), {
      description:
        'One recommendation per endpoint. For limits of clients, the limit over the whole gateway comes first; its backtest is that of all limits together.',
    }),
    summary: Type.Object(
      {
        total_endpoints: count(
          'Number of endpoints. The limit over the whole gateway, where there is one, counts in total only.',
        ),
        avg_confidence: share('Mean confidence, 0 to 1.'),
      },
      { description: 'All that match in numbers, on all pages.' },
    ),
    total,
  },
  { $id: 'Recommendations', description: 'The limits of all endpoints.', examples: [RECOMMENDATIONS] },
)
