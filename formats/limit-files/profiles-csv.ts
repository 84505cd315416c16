import type { Column } from '../export/column.js'
import { csvHeader, csvRow } from '../export/csv.js'
import type { EndpointProfile } from '../../models/rate-limit/endpoints/profile.js'

const COLUMNS = [
  { name: 'endpoint', kind: 'text' },
  { name: 'method', kind: 'text' },
  { name: 'avg_requests_per_minute', kind: 'number' },
  { name: 'peak_requests_per_minute', kind: 'integer' },
  { name: 'p95_requests_per_minute', kind: 'number' },
  { name: 'avg_latency_ms', kind: 'number' },
  { name: 'error_rate', kind: 'number' },
  { name: 'unique_users', kind: 'integer' },
  { name: 'total_requests', kind: 'integer' },
  { name: 'typical_burst_size', kind: 'number' },
  { name: 'largest_burst_size', kind: 'integer' },
  { name: 'time_of_day_variance', kind: 'number' },
] as const satisfies readonly (Column & { name: keyof EndpointProfile })[]

/** Profiles as CSV, a row each. */
export function profilesCsv(profiles: readonly EndpointProfile[]): string {
  const rows = profiles.map((profile) => csvRow(COLUMNS.map(({ name }) => profile[name])))
  return csvHeader(COLUMNS) + rows.join('')
}
