import {
  hasBuckets,
  trafficColumns,
  type ExportType,
  type TrafficColumn,
} from '../../../formats/export/traffic-columns.js'
import { ADDRESS, DURATION_COLUMN, MAX_LATENCY_MS } from '../table.js'
import { inRangeText, TIME } from '../times.js'
import { FOLDED_PATHS } from './folded-paths.js'
import type { TrafficSelection } from './selection.js'

const KEYS = {
  aggregated: ['time_bucket'],
  endpoint: ['time_bucket', 'method', 'path'],
  'endpoint-summary': ['method', 'path'],
  hourly: ['day_of_week', 'hour'],
} as const satisfies Record<ExportType, readonly TrafficColumn[]>

/** Whether rows of this type are about single endpoints. */
export function namesEndpoints(type: ExportType): boolean {
  return (KEYS[type] as readonly string[]).includes('path')
}

/** The text of a query for the rows of an export, without order and with numbers and times as they are. */
function figuresQuery(selection: TrafficSelection, pathsAreFolded: boolean): string {
  const { type, bucketSeconds } = selection
  const requests = requestsOf(selection, pathsAreFolded)
  const keys = KEYS[type].map((name) => `${keyExpression(name, bucketSeconds)} as ${name}`)
  const groups = keys.map((_, index) => index + 1).join(', ')
  const seconds = hasBuckets(type) ? secondsInRange(selection) : `60 * count(distinct ${bin(60)})`
  return `
    select ${keys.join(', ')},
      count(*) as total,
      ${seconds} as seconds,
      sum(latency)::float8 / nullif(count(latency), 0) as latency_mean,
      percentile_cont(array[0.5, 0.95, 0.99]) within group (order by latency) as latency_percentiles,
      min(latency) as latency_min, max(latency) as latency_max, stddev(latency::float8) as latency_stddev,
      count(*) filter (where status between 200 and 299) as s2xx,
      count(*) filter (where status between 300 and 399) as s3xx,
      count(*) filter (where status between 400 and 499) as s4xx,
      count(*) filter (where status between 500 and 599) as s5xx,
      count(*) filter (where status >= 400) as errors,
      count(distinct ip_address) as ips, count(distinct user_id) as users
    from (${requests}) requests
    group by ${groups}`
}

/** The text of a query for the rows of an export, in their order, as the columns of its type have them. */
export function exportQuery(
  selection: TrafficSelection,
  pathsAreFolded: boolean,
  guardTexts: boolean,
): string {
  const { type } = selection
  const cells = trafficColumns(type).map(({ name, kind }) => {
    const value = CELLS[name] ?? name
    if (kind === 'time') return isoTime(value)
    return kind === 'text' && guardTexts ? neutralised(value) : value
  })
  // By the keys themselves, not by the texts made of them: so they come sorted from the grouping, row by row.
  const order = KEYS[type].map((name) => `figures.${name}`)
  const figures = `(${figuresQuery(selection, pathsAreFolded)}) figures`
  const minutes =
    type === 'endpoint-summary'
      ? `join (${minutesQuery(selection, pathsAreFolded)}) minutes using (method, path)`
      : ''
  return `select ${cells.join(', ')} from ${figures} ${minutes} order by ${order.join(', ')}`
}

/** The text of a query for the number of rows of an export. */
export function countQuery(selection: TrafficSelection, pathsAreFolded: boolean): string {
  const keys = KEYS[selection.type].map((name) => keyExpression(name, selection.bucketSeconds))
  const requests = requestsOf(selection, pathsAreFolded)
  return `select count(*)::float8 as rows from (select from (${requests}) requests group by ${keys.join(', ')}) groups`
}

/** What the minutes of each endpoint were like; those without a request are unknown. */
function minutesQuery(selection: TrafficSelection, pathsAreFolded: boolean): string {
  return `
    select method, path, sum(rpm)::float8 / count(*) as rpm_mean, max(rpm) as rpm_max, stddev(rpm::float8) as rpm_stddev,
      percentile_cont(0.95) within group (order by rpm) as rpm_p95,
      min(first) as first, max(last) as last, count(distinct date_bin('1 hour', minute, ${EPOCH})) as hours
    from (
      select method, path, ${bin(60)} as minute, count(*) as rpm, min("timestamp") as first, max("timestamp") as last
      from (${requestsOf(selection, pathsAreFolded)}) requests
      group by 1, 2, 3
    ) minutes
    group by 1, 2`
}

/**
 * The requests as the aggregates need them. A duration that is no latency is null; a missing status is 0.
 */
function requestsOf(selection: TrafficSelection, pathsAreFolded: boolean): string {
  const { table, type } = selection
  const duration = DURATION_COLUMN[table]
  const common = `${TIME} as "timestamp", coalesce(status_code, 0) as status, user_id,
    ${ADDRESS} as ip_address,
    case when ${duration} between 0 and ${MAX_LATENCY_MS} then ${duration} end as latency`
  if (!namesEndpoints(type)) return `select ${common} from ${table} where ${inRangeText(selection)}`
  const path = pathsAreFolded ? 'coalesce(folded.template, requests.path)' : 'requests.path'
  const join = pathsAreFolded
    ? `left join ${FOLDED_PATHS} folded on folded.path = coalesce(requests.path, '')`
    : ''
  // Sorting by bytes is several times as fast as by the rules of a language, and everywhere the same.
  return `select ${common}, upper(coalesce(method, '')) collate "C" as method, ${path} collate "C" as path
    from ${table} requests ${join} where ${inRangeText(selection)}`
}

/** How many seconds of a bucket are in the range: the first and the last may be cut. */
function secondsInRange({ from, to, bucketSeconds }: TrafficSelection): string {
  const epoch = `extract(epoch from ${bin(bucketSeconds)})::float8`
  const [start, end] = [from.getTime() / 1000, to.getTime() / 1000]
  return `least(${epoch} + ${bucketSeconds}, ${end}::float8) - greatest(${epoch}, ${start}::float8)`
}

const EPOCH = `timestamptz '1970-01-01 00:00:00+00'`

/** The beginning of the bucket that a request belongs to. */
const bin = (seconds: number) => `date_bin('${seconds} seconds', "timestamp", ${EPOCH})`

function keyExpression(name: TrafficColumn, bucketSeconds: number): string {
  if (name === 'time_bucket') return bin(bucketSeconds)
  if (name === 'day_of_week') return `extract(dow from "timestamp" at time zone 'UTC')::int`
  return name === 'hour' ? `extract(hour from "timestamp" at time zone 'UTC')::int` : name
}

const share = (part: string) => `${part}::float8 / total`

/** What stands in the columns whose name is not that of the figure. */
const CELLS: Partial<Record<TrafficColumn, string>> = {
  endpoint: 'figures.path',
  hour_of_day: 'figures.hour',
  total_requests: 'total',
  requests_per_second: 'total::float8 / seconds',
  avg_latency_ms: 'latency_mean',
  p50_latency_ms: 'latency_percentiles[1]',
  p95_latency_ms: 'latency_percentiles[2]',
  p99_latency_ms: 'latency_percentiles[3]',
  min_latency_ms: 'latency_min',
  max_latency_ms: 'latency_max',
  stddev_latency_ms: 'latency_stddev',
  status_2xx: 's2xx',
  status_3xx: 's3xx',
  status_4xx: 's4xx',
  status_5xx: 's5xx',
  error_count: 'errors',
  error_rate: share('errors'),
  client_error_rate: share('s4xx'),
  server_error_rate: share('s5xx'),
  success_rate: share('(s2xx + s3xx)'),
  unique_ips: 'ips',
  unique_users: 'users',
  avg_rpm: 'rpm_mean',
  peak_rpm: 'rpm_max',
  p95_rpm: 'rpm_p95',
  stddev_rpm: 'rpm_stddev',
  first_request: 'first',
  last_request: 'last',
  active_hours: 'hours',
}

const isoTime = (moment: string) =>
  `to_char(${moment} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ${moment}`

/** As `neutralised` of formats/export/csv.ts. */
const neutralised = (text: string) =>
  `case when ${text} ~ '^[-=+@\\t\\r\\n]' then '''' || ${text} else ${text} end`
