import type { EndpointProfile } from '../../../models/rate-limit/endpoints/profile.js'

/** A healthy endpoint with 100 requests in its busy minutes. */
export function profile(changes: Partial<EndpointProfile> = {}): EndpointProfile {
  return {
    endpoint: '/api/users',
    method: null,
    avg_requests_per_minute: 50,
    peak_requests_per_minute: 140,
    p95_requests_per_minute: 100,
    avg_latency_ms: 40,
    error_rate: 0.01,
    unique_users: 200,
    total_requests: 200_000,
    typical_burst_size: 5,
    largest_burst_size: 12,
    time_of_day_variance: 0.3,
    ...changes,
  }
}
