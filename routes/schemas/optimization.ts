import { Type } from '@sinclair/typebox'
import { nullable, oneOf, ref, Timestamp } from './types.js'

const LARGEST_LIMIT = 1_000_000
const DAY_SECONDS = 86_400

const Tier = oneOf(['default', 'free', 'basic', 'standard', 'premium', 'enterprise'])
const Strategy = oneOf(['conservative', 'balanced', 'permissive', 'adaptive'])
const Scope = oneOf(['endpoint', 'client'])

/** What limits are for. */
const choice = {
  tier: Type.Optional({ ...Tier, description: 'default, when left out.' }),
  strategy: Type.Optional({ ...Strategy, description: 'balanced, when left out.' }),
  scope: Type.Optional({
    ...Scope,
    description:
      'Whether the limit is for all callers together (endpoint, when left out) or for each client.',
  }),
}

const ByMethod = Type.Boolean({ description: 'Each method of a path by itself; false, when left out.' })

const Endpoint = Type.String({
  minLength: 1,
  maxLength: 2048,
  pattern: '^[^\\u0000]*$',
  description: 'A path template with all its methods, `POST /api/users` for one, or a raw path.',
  examples: ['/api/users/{id}'],
})

const extras = {
  backtest: Type.Optional(Type.Boolean({ description: 'Also replay the last seven days with it.' })),
  save: Type.Optional(
    Type.Boolean({ description: 'Also keep it, to be applied or rejected within a week.' }),
  ),
}

const count = Type.Integer({ minimum: 0 })
const figure = Type.Number({ minimum: 0 })
const share = Type.Number({ minimum: 0, maximum: 1 })
const limit = Type.Integer({ minimum: 1, maximum: LARGEST_LIMIT })

export const OptimizeBody = Type.Object(
  {
    endpoint: Endpoint,
    current_limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 2_147_483_647,
        description: 'Requests a minute; that of rate_limit_rules, when left out.',
      }),
    ),
    ...choice,
    ...extras,
  },
  { $id: 'OptimizeBody', examples: [{ endpoint: '/api/users/{id}', tier: 'standard' }] },
)

export const OptimizeAllBody = Type.Object(
  { ...choice, ...extras, by_method: Type.Optional(ByMethod) },
  { $id: 'OptimizeAllBody', examples: [{ scope: 'client' }] },
)

export const Profile = Type.Object(
  {
    endpoint: Type.String(),
    method: nullable(Type.String(), { description: 'Null: all methods.' }),
    avg_requests_per_minute: figure,
    peak_requests_per_minute: figure,
    p95_requests_per_minute: figure,
    avg_latency_ms: figure,
    error_rate: share,
    unique_users: Type.Integer({
      minimum: 0,
      description: 'Users; the address stands for requests without one.',
    }),
    total_requests: count,
    typical_burst_size: Type.Number({
      minimum: 0,
      description: 'Requests in a busy second: the 99th percentile of those with any.',
    }),
    largest_burst_size: count,
    time_of_day_variance: figure,
  },
  { $id: 'Profile' },
)

const CurvePoint = Type.Object({ limit: count, burst: figure })

const ShortBacktest = Type.Object({
  from: Timestamp,
  to: Timestamp,
  requests: count,
  rejected: count,
  rejection_rate: share,
  clients: nullable(count, { description: 'Null where all endpoints are replayed at once.' }),
  clients_affected: nullable(count),
})

const LongWindow = Type.Object({ seconds: count, limit: count })

export const Recommendation = Type.Object(
  {
    endpoint: Type.String(),
    tier: Tier,
    strategy: Strategy,
    scope: Scope,
    current_limit: nullable(count),
    recommended_limit: Type.Integer({ minimum: 1, description: 'Requests a minute.' }),
    recommended_burst: Type.Integer({ minimum: 1, description: 'Requests at once.' }),
    long_window: nullable(LongWindow, { description: 'A second limit over a longer time.' }),
    confidence: share,
    interval: nullable(Type.Object({ lower: Type.Number(), upper: Type.Number() }), {
      description: 'Where the limit would lie with other days, nine times in ten.',
    }),
    burst_curve: Type.Array(CurvePoint, { description: 'Bursts that the arrivals need at some rates.' }),
    client_peaks: nullable(Type.Object({ p50: figure, p90: figure, p99: figure }), {
      description: 'Of the clients’ own busiest minutes.',
    }),
    clients: nullable(count, { description: 'Clients that were learned from.' }),
    runaway_clients: Type.Integer({ minimum: 0, description: 'Floods and scrapers that were left out.' }),
    runaway_names: Type.Array(Type.String(), { description: 'The first ten of them.' }),
    reasoning: Type.String(),
    warnings: Type.Array(Type.String()),
    profile: nullable(ref(Profile), { description: 'Null for an endpoint never seen.' }),
    backtest: Type.Optional(ShortBacktest),
    id: Type.Optional(Type.String({ description: 'Of the kept recommendation.' })),
  },
  { $id: 'Recommendation' },
)

export const Recommendations = Type.Object(
  {
    recommendations: Type.Array(ref(Recommendation)),
    summary: Type.Object({ total_endpoints: count, avg_confidence: share }),
  },
  { $id: 'Recommendations' },
)

export const ClustersQuery = Type.Object({
  n_clusters: Type.Optional(Type.Integer({ minimum: 1, maximum: 50, description: '5, when left out.' })),
  by_method: Type.Optional(ByMethod),
})

export const Clusters = Type.Object(
  {
    clusters: Type.Record(Type.String(), Type.Array(Type.String()), {
      description: 'Endpoints by the name of their cluster, the busiest first.',
    }),
    details: Type.Record(
      Type.String(),
      Type.Object({
        size: count,
        centre: Type.Object({
          avg_requests_per_minute: figure,
          peak_requests_per_minute: figure,
          avg_latency_ms: figure,
          error_rate: share,
        }),
      }),
      { description: 'The middle endpoint of each, in real units.' },
    ),
  },
  { $id: 'Clusters' },
)

export const BacktestBody = Type.Object(
  {
    endpoint: Type.Optional({ ...Endpoint, description: 'All endpoints, when left out.' }),
    ...choice,
    limit: Type.Optional({
      ...limit,
      description: 'Requests per window; what is recommended, when left out.',
    }),
    burst: Type.Optional({ ...limit, description: 'Requests at once, with limit; as many, when left out.' }),
    window_seconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: DAY_SECONDS, description: 'With limit; 60, when left out.' }),
    ),
    long_window: Type.Optional(
      Type.Object(
        { seconds: Type.Integer({ minimum: 1, maximum: 30 * DAY_SECONDS }), limit },
        { description: 'A second limit, with limit.' },
      ),
    ),
    algorithm: Type.Optional(
      oneOf(['token_bucket', 'fixed_window'], { description: 'token_bucket, when left out.' }),
    ),
    by_method: Type.Optional(ByMethod),
    days: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 90, description: 'The last days; 7, when nothing is given.' }),
    ),
    from: Type.Optional({ ...Timestamp, description: 'Instead of days: the first minute.' }),
    to: Type.Optional({
      ...Timestamp,
      description: 'The minute after the last, with from; 90 days at most.',
    }),
  },
  {
    $id: 'BacktestBody',
    examples: [{ endpoint: '/api/users/{id}', scope: 'client', limit: 100, burst: 20 }],
  },
)

const Rule = Type.Object({
  limit: count,
  burst: count,
  window_seconds: figure,
  long_window: nullable(LongWindow),
})

const MinuteTally = Type.Object({ minute: Timestamp, requests: count, rejected: count })
const tally = { requests: count, rejected: count }
const ClientTally = Type.Object({ client: Type.String(), ...tally })
const TierTally = Type.Object({ tier: Type.String(), ...tally })
const EndpointTally = Type.Object({ endpoint: Type.String(), ...tally })

export const Backtest = Type.Object(
  {
    endpoint: nullable(Type.String()),
    scope: Scope,
    algorithm: oneOf(['token_bucket', 'fixed_window']),
    rule: nullable(Rule, { description: 'Null where each endpoint has its own.' }),
    from: Timestamp,
    to: Timestamp,
    requests: count,
    rejected: count,
    rejection_rate: share,
    rejected_by_long_window: count,
    clients: count,
    clients_affected: count,
    clients_affected_rate: share,
    worst_minutes: Type.Array(MinuteTally, { description: 'Most rejected first, ten at most; as below.' }),
    worst_clients: Type.Array(ClientTally),
    by_tier: Type.Array(TierTally, { description: 'Where tiers are known.' }),
    by_endpoint: Type.Array(EndpointTally, { description: 'Most rejected first, fifty at most.' }),
    peak_offered: nullable(MinuteTally, { description: 'The busiest minute before the limit.' }),
    peak_admitted: nullable(MinuteTally, { description: 'The busiest minute of what passed.' }),
    unattributed: Type.Integer({
      minimum: 0,
      description: 'Requests that passed as nobody is known to have sent them.',
    }),
    seconds: Type.Number({ minimum: 0, description: 'How long it took.' }),
  },
  { $id: 'Backtest' },
)

export const KeptQuery = Type.Object({
  status: Type.Optional(oneOf(['pending', 'applied', 'rejected', 'expired'])),
  endpoint: Type.Optional(Endpoint),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: '100, when left out.' })),
  offset: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 1_000_000_000, description: '0, when left out.' }),
  ),
})

export const KeptRecommendation = Type.Object(
  {
    id: Type.String(),
    generated_at: Timestamp,
    endpoint: Type.String(),
    tier: nullable(Type.String()),
    current_limit: nullable(count),
    current_burst: nullable(count),
    recommended_limit: count,
    recommended_burst: nullable(count),
    strategy: nullable(Type.String()),
    confidence: nullable(Type.Number()),
    reasoning: nullable(Type.String()),
    warnings: Type.Array(Type.String()),
    scope: nullable(Scope, { description: 'Null where others have written the row.' }),
    long_window: nullable(LongWindow, {
      description: 'A second limit over a longer time, which rate_limit_rules has no place for.',
    }),
    profile: Type.Unknown({ description: 'Null for an endpoint never seen.' }),
    status: oneOf(['pending', 'applied', 'rejected', 'expired']),
    applied_at: nullable(Timestamp),
    applied_by: nullable(Type.String()),
    rejection_reason: nullable(Type.String()),
    expires_at: nullable(Timestamp),
  },
  { $id: 'KeptRecommendation' },
)

export const KeptRecommendations = Type.Object(
  { recommendations: Type.Array(ref(KeptRecommendation)), total: count, limit: count, offset: count },
  { $id: 'KeptRecommendations' },
)

export const KeptParams = Type.Object({
  id: Type.String({
    minLength: 1,
    maxLength: 64,
    pattern: '^[\\w-]+$',
    description: 'The id of the recommendation.',
  }),
})

const Words = Type.String({ minLength: 1, maxLength: 255, pattern: '^[^\\u0000]*$' })

export const ApplyBody = Type.Object(
  { applied_by: Type.Optional({ ...Words, description: 'Who has decided.' }) },
  { $id: 'ApplyBody', examples: [{ applied_by: 'ops' }] },
)

export const RejectBody = Type.Object(
  { reason: Type.Optional({ ...Words, maxLength: 1000, description: 'Why.' }) },
  { $id: 'RejectBody', examples: [{ reason: 'A launch is coming.' }] },
)

export const LimitFileQuery = Type.Object({
  format: Type.Optional(
    oneOf(['json', 'nginx', 'envoy', 'kong', 'express', 'headers'], { description: 'json, when left out.' }),
  ),
  tier: choice.tier,
  strategy: choice.strategy,
  scope: Type.Optional({ ...Scope, description: 'client, when left out: what gateways count.' }),
  by_method: Type.Optional(ByMethod),
})

export const LimitFiles = Type.Object({
  generated_at: Timestamp,
  tier: Tier,
  strategy: Strategy,
  limits: Type.Array(
    Type.Object({
      endpoint: Type.String(),
      method: nullable(Type.String()),
      path: Type.String(),
      scope: Scope,
      requests_per_minute: count,
      burst: count,
      long_window: nullable(LongWindow),
      policy: Type.String({ description: 'The field RateLimit-Policy.' }),
    }),
  ),
})

export const ProfilesQuery = Type.Object({
  format: Type.Optional(oneOf(['json', 'csv'], { description: 'json, when left out.' })),
  by_method: Type.Optional(ByMethod),
})
