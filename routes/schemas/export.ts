import { Type } from '@sinclair/typebox'
import { nullable, oneOf, Timestamp } from './types.js'

export const TrainingDataQuery = Type.Object({
  days: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 365, description: 'The last days; 7, when nothing is given.' }),
  ),
  from: Type.Optional({ ...Timestamp, description: 'Instead of days: the first minute.' }),
  to: Type.Optional({
    ...Timestamp,
    description: 'The minute after the last, with from; the present one, when left out.',
  }),
  format: Type.Optional(oneOf(['csv', 'json', 'ndjson'], { description: 'csv, when left out.' })),
  bucket: Type.Optional(
    oneOf(['1m', '5m', '15m', '1h', '6h', '1d'], {
      description: 'Length of a row; 1m, when left out. Buckets are aligned to midnight UTC.',
    }),
  ),
})

const count = Type.Integer({ minimum: 0 })
const share = Type.Number({ minimum: 0, maximum: 1 })
const latency = nullable(Type.Number({ minimum: 0 }))

export const TrafficBucket = Type.Object(
  {
    time_bucket: Timestamp,
    total_requests: count,
    requests_per_second: Type.Number({ minimum: 0 }),
    avg_latency_ms: latency,
    p50_latency_ms: latency,
    p95_latency_ms: latency,
    p99_latency_ms: latency,
    min_latency_ms: latency,
    max_latency_ms: latency,
    stddev_latency_ms: latency,
    status_2xx: count,
    status_3xx: count,
    status_4xx: count,
    status_5xx: count,
    error_count: count,
    error_rate: share,
    client_error_rate: share,
    server_error_rate: share,
    success_rate: share,
    unique_ips: nullable(count),
    unique_users: nullable(count),
  },
  {
    $id: 'TrafficBucket',
    description:
      'What a bucket of time was like. A value that is not known is null; a bucket without requests is left out.',
  },
)
