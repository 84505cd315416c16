/** The tables of requests that a gateway may write, with the column that holds the duration of a request. */
export const DURATION_COLUMN = { request_logs: 'response_time_ms', request_metrics: 'duration_ms' } as const

export type TrafficTable = keyof typeof DURATION_COLUMN

/** A longer duration (30,000 years) comes from a damaged row and is no latency; nor is a negative one. */
export const MAX_LATENCY_MS = 1e15
