import { recommend } from '../models/optimizer/recommend.js'
import { rateOptimizerFromState } from '../models/optimizer/state.js'
import { createRandom } from '../models/statistics/random.js'
import type { Benchmark } from './benchmark.js'
import { TIERS } from '../models/rate-limit/tiers.js'
import { SECOND_MS } from '../models/traffic/durations.js'

const ENDPOINTS = 1000
const DAYS = 14

/** The limits of a thousand endpoints from an active model, against a time limit of one second. */
export const optimize: Benchmark = {
  name: 'optimize',
  async prepare() {
    const model = optimizer()
    const all = (scope: 'endpoint' | 'client') => {
      const request = { tier: TIERS.default, strategy: 'balanced', scope, currentLimit: null } as const
      return [...model.byTemplate].map(([endpoint, found]) =>
        recommend({ ...request, endpoint, model: found }),
      )
    }
    const measure = (scope: 'endpoint' | 'client') => () => {
      const startedMs = performance.now()
      all(scope)
      return performance.now() - startedMs
    }
    const second = { name: 'a second', measure: () => SECOND_MS }
    return {
      comparisons: (['endpoint', 'client'] as const).map((scope) => ({
        rows: ENDPOINTS,
        reference: second,
        candidate: { name: scope, measure: measure(scope) },
        target: 1,
      })),
    }
  },
}

function optimizer() {
  const random = createRandom(1)
  const endpoints = Array.from({ length: ENDPOINTS }, (_, i) => {
    const p95 = 10 + random.integer(1000)
    const curve = [0.5, 1, 2, 5].map((times) => ({ limit: Math.ceil(p95 * times), burst: 20 }))
    const profile = {
      ...{ endpoint: `/service-${i}/{id}`, method: null, uniqueUsers: 100, totalRequests: 100_000 },
      ...{
        avgRequestsPerMinute: p95 / 2,
        peakRequestsPerMinute: 3 * p95,
        p95RequestsPerMinute: p95,
      },
      ...{ avgLatencyMs: 40, errorRate: 0.01, typicalBurstSize: 5, largestBurstSize: 30 },
      timeOfDayVariance: 0.4,
    }
    const client = {
      ...{ limit: 60, longWindow: null, confidence: 0.9, interval: { lower: 55, upper: 66 }, curve },
      ...{ peakMinutes: { p50: 10, p90: 30, p99: 50 }, busiestMinute: 55, busiestHour: 900, clients: 100 },
      ...{ runaways: [], nRunaways: 0, days: DAYS, requests: 100_000 },
    }
    const dailyP95 = Array.from({ length: DAYS }, () => p95 * (0.9 + random.integer(20) / 100))
    return [profile.endpoint, { profile, dailyP95, curve, client }]
  })
  return rateOptimizerFromState({ by_template: endpoints, by_method: [], requests: 1 })
}
