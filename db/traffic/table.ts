/** The tables of requests that a gateway may write, and what they call a request's duration. */
export const DURATION_COLUMN = { request_logs: 'response_time_ms', request_metrics: 'duration_ms' } as const

export type TrafficTable = keyof typeof DURATION_COLUMN
