import { quantile } from '../../../models/statistics/quantile.js'
import { pathTemplate } from '../../../models/traffic/path-template.js'
import type { ExportType } from '../../../formats/export/traffic-columns.js'
import type { RequestRow } from './request-rows.js'

type Figures = Record<string, number | string | null>

/**
 * The rows of an export, computed the plain way and in no order.
 * @param range which may cut the first bucket and the last
 */
export function expectedRows(
  requests: readonly RequestRow[],
  type: ExportType,
  bucketSeconds: number,
  range?: Range,
): Figures[] {
  const groups = groupBy(requests, (request) => JSON.stringify(keyOf(request, type, bucketSeconds)))
  return [...groups].map(([key, group]) => ({
    ...(JSON.parse(key) as Figures),
    ...figuresOf(
      group,
      type === 'aggregated' || type === 'endpoint'
        ? secondsOfBucket(group[0]!.at, bucketSeconds, range)
        : 60 * minutes(group).size,
    ),
    ...(type === 'endpoint-summary' && summaryOf(group)),
  }))
}

interface Range {
  readonly from: Date
  readonly to: Date
}

/** How many seconds of the bucket of a time are in the range. */
function secondsOfBucket(at: Date, bucketSeconds: number, range: Range | undefined): number {
  const start = Math.floor(at.getTime() / 1000 / bucketSeconds) * bucketSeconds
  const [from, to] = range ? [range.from.getTime() / 1000, range.to.getTime() / 1000] : [-Infinity, Infinity]
  return Math.min(start + bucketSeconds, to) - Math.max(start, from)
}

function keyOf({ at, method, path }: RequestRow, type: ExportType, bucketSeconds: number): Figures {
  const bucketMs = bucketSeconds * 1000
  const time_bucket = new Date(Math.floor(at.getTime() / bucketMs) * bucketMs).toISOString()
  const template = pathTemplate(path ?? '')
  const endpoint = { method: (method ?? '').toUpperCase(), path: template, endpoint: template }
  if (type === 'aggregated') return { time_bucket }
  if (type === 'endpoint') return { time_bucket, ...endpoint }
  const hour = at.getUTCHours()
  return type === 'hourly' ? { day_of_week: at.getUTCDay(), hour, hour_of_day: hour } : endpoint
}

function figuresOf(group: readonly RequestRow[], seconds: number): Figures {
  const total = group.length
  const latencies = group.flatMap(({ latency }) => (latency !== null && latency >= 0 ? [latency] : []))
  const known = latencies.length > 0
  const status = (low: number, high: number) =>
    group.filter(({ status }) => status !== null && status >= low && status < high).length
  const distinct = (values: readonly (string | null)[]) =>
    new Set(values.filter((each) => each !== null)).size
  const at = (p: number) => (known ? quantile(latencies, p) : null)
  return {
    total_requests: total,
    requests_per_second: total / seconds,
    avg_latency_ms: known ? sum(latencies) / latencies.length : null,
    p50_latency_ms: at(0.5),
    p95_latency_ms: at(0.95),
    p99_latency_ms: at(0.99),
    min_latency_ms: at(0),
    max_latency_ms: at(1),
    stddev_latency_ms: deviation(latencies),
    status_2xx: status(200, 300),
    status_3xx: status(300, 400),
    status_4xx: status(400, 500),
    status_5xx: status(500, 600),
    error_count: status(400, Infinity),
    error_rate: status(400, Infinity) / total,
    client_error_rate: status(400, 500) / total,
    server_error_rate: status(500, 600) / total,
    success_rate: status(200, 400) / total,
    unique_ips: distinct(group.map(({ ip }) => ip)),
    unique_users: distinct(group.map(({ user }) => user)),
  }
}

function summaryOf(group: readonly RequestRow[]): Figures {
  const perMinute = [...minutes(group).values()].map((each) => each.length)
  const times = group.map(({ at }) => at.getTime())
  return {
    avg_rpm: sum(perMinute) / perMinute.length,
    peak_rpm: Math.max(...perMinute),
    p95_rpm: quantile(perMinute, 0.95),
    stddev_rpm: deviation(perMinute),
    first_request: new Date(Math.min(...times)).toISOString(),
    last_request: new Date(Math.max(...times)).toISOString(),
    active_hours: new Set(times.map((time) => Math.floor(time / 3_600_000))).size,
  }
}

const minutes = (group: readonly RequestRow[]) =>
  groupBy(group, ({ at }) => Math.floor(at.getTime() / 60_000))

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

/** Of a sample; a single value has none. */
function deviation(values: readonly number[]): number | null {
  if (values.length < 2) return null
  const mean = sum(values) / values.length
  return Math.sqrt(sum(values.map((value) => (value - mean) ** 2)) / (values.length - 1))
}

function groupBy<T, K>(items: readonly T[], key: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const group = groups.get(key(item))
    if (group) group.push(item)
    else groups.set(key(item), [item])
  }
  return groups
}
