export const TRAFFIC_BUCKET = {
  minute: '2026-01-31 12:00:00+00:00',
  time_bucket: '2026-01-31T12:00:00.000Z',
  total_requests: 3000,
  requests_per_second: 50,
  avg_latency_ms: 45,
  p50_latency_ms: 38,
  p95_latency_ms: 90,
  p99_latency_ms: 135,
  min_latency_ms: 4,
  max_latency_ms: 812,
  stddev_latency_ms: 31.6,
  status_2xx: 2790,
  status_3xx: 180,
  status_4xx: 21,
  status_5xx: 9,
  error_count: 30,
  error_rate: 0.01,
  client_error_rate: 0.007,
  server_error_rate: 0.003,
  success_rate: 0.99,
  unique_ips: 412,
  unique_users: 390,
}

/** The data of an export as JSON. */
export const TRAINING_DATA = [TRAFFIC_BUCKET]
