/** Path templates, the busiest first. */
export const ENDPOINTS = ['/api/users/{id}', '/api/orders', '/api/reports/{id}/export']

const endpoint = ENDPOINTS[0]!
const TIER = 'standard'
const STRATEGY = 'balanced'

/** 14 days. */
export const PROFILE = {
  endpoint,
  method: 'GET',
  avg_requests_per_minute: 150,
  peak_requests_per_minute: 420,
  p95_requests_per_minute: 240,
  avg_latency_ms: 45,
  error_rate: 0.012,
  unique_users: 1840,
  total_requests: 3_024_000,
  typical_burst_size: 12,
  largest_burst_size: 31,
  time_of_day_variance: 0.42,
}

const OPTIMIZE_BODY = { endpoint, tier: TIER, strategy: STRATEGY, current_limit: 300 }
/** One endpoint, each client over the whole gateway, and a limit of costs. */
export const OPTIMIZE_BODIES = [
  OPTIMIZE_BODY,
  { scope: 'gateway-client', tier: TIER, backtest: true },
  { endpoint, scope: 'client', cost: 'latency_ms' },
]
export const OPTIMIZE_ALL_BODIES = [
  { tier: TIER, strategy: STRATEGY },
  { scope: 'client', status: 'named', prefix: '/api/', min_requests: 1000, min_confidence: 0.5, limit: 20 },
  { scope: 'gateway-client', cost: 'latency_ms' },
]

const LIMIT = 450
const BURST = 80
const advice = {
  endpoint,
  tier: TIER,
  strategy: STRATEGY,
  current_limit: OPTIMIZE_BODY.current_limit,
  recommended_limit: LIMIT,
  recommended_burst: BURST,
  confidence: 0.89,
  reasoning:
    'Of 3024000 requests on 14 days the busy minutes (p95) had 240, the busiest 420. With a fifth to spare that makes 300 a minute; tier standard × 1.5 and strategy balanced × 1 make 450. A burst of 80 is let through at once; a busy second has 12 requests, the busiest 31. With other days the limit would lie between 425 and 480, nine times in ten.',
  warnings: [],
  scope: 'endpoint',
  long_window: null,
}

export const RECOMMENDATION = {
  ...advice,
  unit: 'requests',
  interval: { lower: 425, upper: 480 },
  burst_curve: [
    { limit: 225, burst: 310 },
    { limit: 300, burst: 140 },
    { limit: LIMIT, burst: BURST },
    { limit: 900, burst: 40 },
  ],
  client_peaks: null,
  clients: null,
  runaway_clients: 0,
  runaway_names: [],
  profile: PROFILE,
}

export const RECOMMENDATIONS = {
  recommendations: [RECOMMENDATION],
  summary: { total_endpoints: 1, avg_confidence: RECOMMENDATION.confidence },
}

export const CLUSTERS = {
  clusters: {
    high_traffic_fast: [ENDPOINTS[0]],
    medium_traffic: [ENDPOINTS[1]],
    low_traffic_slow: [ENDPOINTS[2]],
  },
  details: {
    high_traffic_fast: {
      size: 1,
      centre: {
        avg_requests_per_minute: PROFILE.avg_requests_per_minute,
        peak_requests_per_minute: PROFILE.peak_requests_per_minute,
        avg_latency_ms: PROFILE.avg_latency_ms,
        error_rate: PROFILE.error_rate,
      },
    },
    medium_traffic: {
      size: 1,
      centre: {
        avg_requests_per_minute: 24,
        peak_requests_per_minute: 96,
        avg_latency_ms: 88,
        error_rate: 0.015,
      },
    },
    low_traffic_slow: {
      size: 1,
      centre: {
        avg_requests_per_minute: 0.6,
        peak_requests_per_minute: 9,
        avg_latency_ms: 920,
        error_rate: 0.02,
      },
    },
  },
}

export const APPLY_BODY = { applied_by: 'ops' }
export const REJECT_BODY = { reason: 'A product launch is planned.' }

const saved = {
  ...advice,
  id: '17',
  generated_at: '2026-01-31T12:00:00.000Z',
  current_burst: 50,
  profile: PROFILE,
  expires_at: '2026-02-07T12:00:00.000Z',
}

const PENDING = {
  ...saved,
  status: 'pending',
  applied_at: null,
  applied_by: null,
  rejection_reason: null,
}
export const APPLIED = {
  ...saved,
  status: 'applied',
  applied_at: '2026-01-31T12:05:00.000Z',
  applied_by: APPLY_BODY.applied_by,
  rejection_reason: null,
}

export const SAVED_RECOMMENDATIONS = { recommendations: [PENDING], total: 1, limit: 100, offset: 0 }

export const LIMIT_FILE = {
  generated_at: '2026-01-31T12:00:00.000Z',
  tier: TIER,
  strategy: STRATEGY,
  limits: [
    {
      endpoint,
      method: null,
      path: endpoint,
      scope: 'client',
      requests_per_minute: 27,
      burst: 10,
      unit: 'requests',
      long_window: { seconds: 3600, limit: 314 },
      exceptions: [],
      failures: null,
      distinct_paths: null,
      policy: '"minute";q=27;w=60, "long";q=314;w=3600',
    },
  ],
}

export const PROFILES = { profiles: { [endpoint]: PROFILE }, count: 1 }
