import type { Column, Kind } from './column.js'

/** What a row of exported traffic is about. */
export const EXPORT_TYPES = ['aggregated', 'endpoint', 'endpoint-summary', 'hourly'] as const
export type ExportType = (typeof EXPORT_TYPES)[number]

/** Lengths of a time bucket in seconds. Buckets are aligned to 1970-01-01T00:00Z. */
export const BUCKET_SECONDS = {
  '1m': 60,
  '5m': 300,
  '15m': 900,
  '1h': 3600,
  '6h': 21_600,
  '1d': 86_400,
} as const
export type Bucket = keyof typeof BUCKET_SECONDS

/** Whether the rows of a type are buckets of time; the others sum up the whole range. */
export function hasBuckets(type: ExportType): boolean {
  return type === 'aggregated' || type === 'endpoint'
}

const columns = <const N extends string>(kind: Kind, ...names: N[]) =>
  names.map((name) => ({ name, kind }) satisfies Column)

/**
 * What every row holds. Latencies are in milliseconds, of the requests that have one; errors are answers with a
 * status of 400 or above; rates are shares 0…1.
 */
const FIGURES = [
  ...columns('integer', 'total_requests'),
  ...columns('number', 'requests_per_second', 'avg_latency_ms', 'p50_latency_ms', 'p95_latency_ms'),
  ...columns('number', 'p99_latency_ms', 'min_latency_ms', 'max_latency_ms', 'stddev_latency_ms'),
  ...columns('integer', 'status_2xx', 'status_3xx', 'status_4xx', 'status_5xx', 'error_count'),
  ...columns('number', 'error_rate', 'client_error_rate', 'server_error_rate', 'success_rate'),
  ...columns('integer', 'unique_ips', 'unique_users'),
]

const TIME_BUCKET = columns('time', 'time_bucket')
/** `endpoint` is the path, under the name that it had in the Python service. */
const ENDPOINT = columns('text', 'method', 'path', 'endpoint')
const SUMMARY = [
  ...columns('number', 'avg_rpm', 'peak_rpm', 'p95_rpm', 'stddev_rpm'),
  ...columns('time', 'first_request', 'last_request'),
  ...columns('integer', 'active_hours'),
]

const COLUMNS = {
  aggregated: [...TIME_BUCKET, ...FIGURES],
  endpoint: [...TIME_BUCKET, ...ENDPOINT, ...FIGURES],
  'endpoint-summary': [...ENDPOINT, ...FIGURES, ...SUMMARY],
  hourly: [...columns('integer', 'day_of_week', 'hour', 'hour_of_day'), ...FIGURES],
}

export type TrafficColumn = (typeof COLUMNS)[ExportType][number]['name']

/** The columns of a type, in the order in which they are exported. */
export function trafficColumns<T extends ExportType>(type: T): Readonly<(typeof COLUMNS)[T]> {
  return COLUMNS[type]
}

/** The columns that the old service exported, in its order. */
const OLD_COLUMNS = [
  ...['total_requests', 'avg_latency_ms', 'p95_latency_ms', 'p99_latency_ms', 'error_count'],
  ...['status_2xx', 'status_4xx', 'status_5xx', 'requests_per_second', 'error_rate'],
]
const MINUTE = { name: 'minute', kind: 'text' } as const

/** The columns of the training data of HTTP: those of the old service as it had them, and then all others. */
export const TRAINING_DATA_COLUMNS: readonly Column[] = [
  MINUTE,
  ...OLD_COLUMNS.map((name) => FIGURES.find((column) => column.name === name)!),
  ...COLUMNS.aggregated.filter(({ name }) => !OLD_COLUMNS.includes(name)),
]

/** The start of a bucket as the old service wrote it. */
export function oldMinute(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace('T', ' ')}+00:00`
}
