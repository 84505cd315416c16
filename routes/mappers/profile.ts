import type { Static } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { Profile } from '../schemas/recommendation.js'

type Profiles = Awaited<ReturnType<FastifyInstance['optimization']['profiles']>>['profiles']
type EndpointProfile = Profiles extends Map<string, infer P> ? P : never

/** The profile of an endpoint as HTTP has it. */
export function toProfile(profile: EndpointProfile): Static<typeof Profile> {
  return {
    endpoint: profile.endpoint,
    method: profile.method ?? profile.frequentMethod,
    avg_requests_per_minute: profile.avgRequestsPerMinute,
    peak_requests_per_minute: profile.peakRequestsPerMinute,
    p95_requests_per_minute: profile.p95RequestsPerMinute,
    avg_latency_ms: profile.avgLatencyMs,
    error_rate: profile.errorRate,
    unique_users: profile.uniqueUsers,
    total_requests: profile.totalRequests,
    typical_burst_size: profile.typicalBurstSize,
    largest_burst_size: profile.largestBurstSize,
    time_of_day_variance: profile.timeOfDayVariance,
  }
}
