import t from 'tap'
import type { StoredRecommendation } from '../../../db/own/recommendations.js'
import { recommend } from '../../../models/optimizer/recommend.js'
import { fromRow, toRow } from '../../../plugins/optimization/table-row.js'
import { toKeptRecommendation } from '../../../routes/mappers/kept-recommendation.js'
import { TIERS } from '../../../models/rate-limit/tiers.js'
import { profile } from '../../models/rate-limit/profiles.js'

const stored: StoredRecommendation = {
  ...{ id: '7', generatedAt: new Date(0), endpoint: '/api/users', tier: 'free', strategy: 'balanced' },
  ...{ currentLimit: 50, currentBurst: null, limit: 100, burst: 20, confidence: 0.5, reasoning: 'Why.' },
  ...{ warnings: [], status: 'pending', appliedAt: null, appliedBy: null, rejectionReason: null },
  ...{ expiresAt: null, profile: null },
}

t.test('a row of the previous release is answered as that release answered it', async (t) => {
  const before = { endpoint: '/api/users', method: null, avg_requests_per_minute: 50, total_requests: 9 }
  const long_window = { seconds: 3600, limit: 900 }
  const row = { ...stored, profile: { ...before, scope: 'client', long_window } }
  t.match(toKeptRecommendation(fromRow(row)), {
    ...{ id: '7', generated_at: '1970-01-01T00:00:00.000Z', recommended_limit: 100, recommended_burst: 20 },
    ...{ current_limit: 50, scope: 'client', long_window, expires_at: null },
  })
  t.strictSame(toKeptRecommendation(fromRow(row)).profile, before)
})

t.test('what others have written is passed on as it is', async (t) => {
  const others = toKeptRecommendation(fromRow({ ...stored, profile: { foo_bar: 1 } }))
  t.match(others, { scope: null, long_window: null })
  t.strictSame(others.profile, { foo_bar: 1 })
  t.match(toKeptRecommendation(fromRow(stored)), { scope: null, long_window: null, profile: null })
  t.equal(fromRow({ ...stored, profile: { scope: 'endpoint' } }).profile, null)
})

t.test('a row has the names of the table, as gateways and earlier releases read them', async (t) => {
  const asked = {
    endpoint: '/api/users',
    tier: TIERS.default,
    strategy: 'balanced',
    currentLimit: 10,
  } as const
  const model = { profile: profile(), dailyP95: [100], curve: [], client: null }
  const row = toRow(recommend({ ...asked, scope: 'endpoint', model }), undefined)
  t.match(row, { currentLimit: 10, currentBurst: null, limit: 125, warnings: [] })
  t.strictSame(row.profile, {
    ...{ endpoint: '/api/users', method: 'GET', avg_requests_per_minute: 50, peak_requests_per_minute: 140 },
    ...{ p95_requests_per_minute: 100, avg_latency_ms: 40, error_rate: 0.01, unique_users: 200 },
    ...{ total_requests: 200_000, typical_burst_size: 5, largest_burst_size: 12, time_of_day_variance: 0.3 },
    ...{ scope: 'endpoint', long_window: null, day_window: null, failures: null, distinct_paths: null },
    exceptions: [],
  })
})
