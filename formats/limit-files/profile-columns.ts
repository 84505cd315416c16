import type { Column } from '../export/column.js'
import type { EndpointProfile } from '../../models/rate-limit/endpoints/profile.js'

/** A profile as a row: the columns of the CSV file, and the names in the gateway's table, by field. */
export const PROFILE_COLUMNS = [
  { field: 'endpoint', name: 'endpoint', kind: 'text' },
  { field: 'frequentMethod', name: 'method', kind: 'text' },
  { field: 'avgRequestsPerMinute', name: 'avg_requests_per_minute', kind: 'number' },
  { field: 'peakRequestsPerMinute', name: 'peak_requests_per_minute', kind: 'integer' },
  { field: 'p95RequestsPerMinute', name: 'p95_requests_per_minute', kind: 'number' },
  { field: 'avgLatencyMs', name: 'avg_latency_ms', kind: 'number' },
  { field: 'errorRate', name: 'error_rate', kind: 'number' },
  { field: 'uniqueUsers', name: 'unique_users', kind: 'integer' },
  { field: 'totalRequests', name: 'total_requests', kind: 'integer' },
  { field: 'typicalBurstSize', name: 'typical_burst_size', kind: 'number' },
  { field: 'largestBurstSize', name: 'largest_burst_size', kind: 'integer' },
  { field: 'timeOfDayVariance', name: 'time_of_day_variance', kind: 'number' },
] as const satisfies readonly (Column & { readonly field: keyof EndpointProfile })[]
