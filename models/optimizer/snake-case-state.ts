/** The state as releases up to 0.1.0 wrote it: lists and profiles have snake_case names, all else is as today. */
interface SnakeCaseState {
  readonly by_template?: unknown
  readonly by_method?: unknown
  readonly requests?: unknown
}

/** By today's name of a field of a profile, the one that it had. */
const PROFILE_FIELDS = {
  endpoint: 'endpoint',
  method: 'method',
  avgRequestsPerMinute: 'avg_requests_per_minute',
  peakRequestsPerMinute: 'peak_requests_per_minute',
  p95RequestsPerMinute: 'p95_requests_per_minute',
  avgLatencyMs: 'avg_latency_ms',
  errorRate: 'error_rate',
  uniqueUsers: 'unique_users',
  totalRequests: 'total_requests',
  typicalBurstSize: 'typical_burst_size',
  largestBurstSize: 'largest_burst_size',
  timeOfDayVariance: 'time_of_day_variance',
} as const

export function isSnakeCaseState(state: unknown): state is SnakeCaseState {
  return typeof state === 'object' && state !== null && 'by_template' in state
}

/** The same state with today's names; what is invalid in it stays so. */
export function toCamelCaseState({ by_template, by_method, requests }: SnakeCaseState): object {
  return { byTemplate: toEntries(by_template), byMethod: toEntries(by_method), requests }
}

function toEntries(entries: unknown): unknown {
  if (!Array.isArray(entries)) return entries
  return entries.map((entry: unknown) => {
    if (!Array.isArray(entry)) return entry
    const [name, model] = entry as [unknown, { readonly profile?: Readonly<Record<string, unknown>> }?]
    return [name, model?.profile ? { ...model, profile: toProfile(model.profile) } : model]
  })
}

function toProfile(profile: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(PROFILE_FIELDS).map(([now, then]) => [now, profile[then]]))
}
