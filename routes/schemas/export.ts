import { Type } from '@sinclair/typebox'
import { TRAFFIC_BUCKET } from './examples/export.js'
import { MAX_DAYS } from './training.js'
import { amount, count, nullable, oneOf, share, timestamp, endTime } from './types.js'

export const TrainingDataQuery = Type.Object({
  days: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MAX_DAYS,
      'x-clamp': true,
      description:
        'Export the last n days, 1 to 3,650. More count as 3,650, with a warning. Default: 7, unless from is given.',
    }),
  ),
  from: Type.Optional(timestamp('Start of the time range, included. Use it instead of days.')),
  to: Type.Optional(endTime('End of the time range, excluded. Only with from. Default: the current minute.')),
  format: Type.Optional(
    oneOf(['csv', 'json', 'ndjson'], { description: 'Format of the rows. Default: csv.' }),
  ),
  bucket: Type.Optional(
    oneOf(['1m', '5m', '15m', '1h', '6h', '1d'], {
      description: 'Length of the time bucket of each row. Buckets start at midnight UTC. Default: 1m.',
    }),
  ),
})

const latency = (description: string) =>
  nullable(Type.Number({ minimum: 0 }), { description: `${description} In milliseconds, or null.` })

const UNKNOWN = 'Null when it is unknown.'

export const TrafficBucket = Type.Object(
  {
    minute: Type.String({
      description: 'Start of the bucket as the old service wrote it, in UTC.',
      examples: ['2026-01-31 12:00:00+00:00'],
    }),
    time_bucket: timestamp('Start of the bucket.'),
    total_requests: count('Number of requests.'),
    requests_per_second: amount('Requests per second, averaged over the bucket.'),
    avg_latency_ms: latency('Mean response time.'),
    p50_latency_ms: latency('Median response time.'),
    p95_latency_ms: latency('95th percentile of the response time.'),
    p99_latency_ms: latency('99th percentile of the response time.'),
    min_latency_ms: latency('Shortest response time.'),
    max_latency_ms: latency('Longest response time.'),
    stddev_latency_ms: latency('Standard deviation of the response time.'),
    status_2xx: count('Number of responses with a 2xx status.'),
    status_3xx: count('Number of responses with a 3xx status.'),
    status_4xx: count('Number of responses with a 4xx status.'),
    status_5xx: count('Number of responses with a 5xx status.'),
    error_count: count('Number of responses with a status of 400 or above.'),
    error_rate: share('error_count / total_requests, 0 to 1.'),
    client_error_rate: share('status_4xx / total_requests, 0 to 1.'),
    server_error_rate: share('status_5xx / total_requests, 0 to 1.'),
    success_rate: share('1 − error_rate, 0 to 1.'),
    unique_ips: nullable(Type.Integer({ minimum: 0 }), {
      description: `Number of different IP addresses. ${UNKNOWN}`,
    }),
    unique_users: nullable(Type.Integer({ minimum: 0 }), {
      description: `Number of different user ids. ${UNKNOWN}`,
    }),
  },
  {
    $id: 'TrafficBucket',
    description: 'The traffic of one time bucket. Buckets without requests are omitted.',
    examples: [TRAFFIC_BUCKET],
  },
)
