import type { Static } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { Clusters } from '../schemas/clusters.js'

type Found = Awaited<ReturnType<FastifyInstance['optimization']['clusters']>>
type Cluster = Found['clusters'][number]

/** Clusters of endpoints as HTTP has them. */
export function toClusters({ clusters: found, total }: Found): Static<typeof Clusters> {
  return {
    clusters: Object.fromEntries(found.map(({ name, endpoints }) => [name, [...endpoints]])),
    details: Object.fromEntries(
      found.map(({ name, size, centre }) => [name, { size, centre: toCentre(centre) }]),
    ),
    total,
  }
}

function toCentre(centre: Cluster['centre']) {
  return {
    avg_requests_per_minute: centre.avgRequestsPerMinute,
    peak_requests_per_minute: centre.peakRequestsPerMinute,
    avg_latency_ms: centre.avgLatencyMs,
    error_rate: centre.errorRate,
  }
}
