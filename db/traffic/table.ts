/** The tables of requests that a gateway may write, with the column that holds the duration of a request. */
export const DURATION_COLUMN = { request_logs: 'response_time_ms', request_metrics: 'duration_ms' } as const

export type TrafficTable = keyof typeof DURATION_COLUMN

export const TRAFFIC_TABLES = Object.keys(DURATION_COLUMN) as TrafficTable[]

/** Stands for no address where the table takes no null. */
export const UNKNOWN_ADDRESS = '0.0.0.0'

/** The address of a row, or null; the literal takes the type of the column. */
export const ADDRESS = `nullif(ip_address, '${UNKNOWN_ADDRESS}')`

/** A longer duration (30,000 years) comes from a damaged row and is no latency; nor is a negative one. */
export const MAX_LATENCY_MS = 1e15
