import type { EndpointProfile } from '../../../models/rate-limit/endpoints/profile.js'

/** A healthy endpoint with 100 requests in its busy minutes. */
export function profile(changes: Partial<EndpointProfile> = {}): EndpointProfile {
  return {
    endpoint: '/api/users',
    method: null,
    frequentMethod: 'GET',
    avgRequestsPerMinute: 50,
    peakRequestsPerMinute: 140,
    p95RequestsPerMinute: 100,
    avgLatencyMs: 40,
    errorRate: 0.01,
    uniqueUsers: 200,
    totalRequests: 200_000,
    typicalBurstSize: 5,
    largestBurstSize: 12,
    timeOfDayVariance: 0.3,
    ...changes,
  }
}
