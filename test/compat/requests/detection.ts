import { get, minutesAgo, post, QUIET, withBodies, type Named } from '../request.js'

const { requests_per_second, avg_latency_ms, p95_latency_ms, p99_latency_ms, error_rate } = QUIET
const STORM = {
  requests_per_second: 900,
  error_rate: 0.6,
  avg_latency_ms: 6000,
  p95_latency_ms: 16_000,
  p99_latency_ms: 20_000,
}

const TIMES = {
  z: minutesAgo(9),
  naive: minutesAgo(8).slice(0, 19),
  micro: `${minutesAgo(7).slice(0, 19)}.123456`,
  offset: `${minutesAgo(6).slice(0, 19)}+00:00`,
  space: minutesAgo(5).slice(0, 19).replace('T', ' '),
  date: '2026-11-20',
  'bad time': 'yesterday',
  epoch: 1_700_000_000,
}

const BODIES = {
  counts: {
    ...QUIET,
    timestamp: minutesAgo(4),
    ...{ status_2xx: 100, status_4xx: 3, status_5xx: 1, total_requests: 104 },
  },
  client: {
    ...QUIET,
    timestamp: minutesAgo(3),
    requests_per_second: 400,
    ...{ status_2xx: 23_000, status_4xx: 400, status_5xx: 80, total_requests: 24_000 },
  },
  aliases: {
    requests_per_second,
    avg_latency: 60,
    p95_latency: 150,
    p99_latency: 250,
    error_rate,
    status2xx: 1,
  },
  partial: { requests_per_second },
  'only rps and avg': { requests_per_second, avg_latency_ms, error_rate: 0.01 },
  'no error_rate': { requests_per_second, avg_latency_ms, p95_latency_ms, p99_latency_ms },
  strings: { ...QUIET, requests_per_second: '12' },
  'null value': { ...QUIET, error_rate: null },
  unknown: { ...QUIET, colour: 'red' },
  'float count': { ...QUIET, total_requests: 12.5 },
  'p95<avg': { ...QUIET, p95_latency_ms: 10, p99_latency_ms: 5 },
  'error 2': { ...QUIET, error_rate: 2 },
  negative: { ...QUIET, requests_per_second: -1 },
  bool: { ...QUIET, error_rate: true },
  '{}': {},
}

const BATCH = [
  QUIET,
  { ...QUIET, requests_per_second: 900 },
  { ...QUIET, error_rate: 0.7 },
  { ...QUIET, avg_latency_ms: 9000, p95_latency_ms: 15_000, p99_latency_ms: 20_000 },
  { ...QUIET, timestamp: minutesAgo(100), requests_per_second: 0 },
  { ...STORM, avg_latency_ms: 9000, p95_latency_ms: 15_000, error_rate: 0.9 },
]

const BATCHES = {
  '[]': { metrics: [] },
  '{}': {},
  'no body': undefined,
  'bare array': [QUIET],
  'not array': { metrics: QUIET },
  string: { metrics: 'x' },
  null: { metrics: null },
  partial: { metrics: [{ requests_per_second: 5 }] },
  'element wrong': { metrics: [QUIET, 5] },
  unknown: { metrics: [QUIET], colour: 1 },
  '1000': { metrics: Array.from({ length: 1000 }, (_, i) => ({ ...QUIET, timestamp: minutesAgo(i + 200) })) },
  'same minute': { metrics: [QUIET, QUIET, QUIET] },
}

const NOT_A_NUMBER =
  '{"requests_per_second": NaN, "avg_latency_ms": 1, "p95_latency_ms": 1, "p99_latency_ms": 1, "error_rate": 0}'

export const DETECTION: readonly Named[] = [
  ['trend before', get('/detect/trend')],
  ['detect', post('/detect', QUIET)],
  ...Object.entries(TIMES).map(([name, timestamp]): Named => {
    return [`detect ${name}`, post('/detect', { ...QUIET, timestamp })]
  }),
  ...withBodies('/detect', 'detect', BODIES),
  ['detect no body', post('/detect')],
  ['detect malformed', post('/detect', undefined, { text: '{"a":' })],
  ['detect text', post('/detect', QUIET, { type: 'text/plain' })],
  ['detect charset', post('/detect', QUIET, { type: 'application/json; charset=utf-8' })],
  ['detect no type', post('/detect', QUIET, { type: null })],
  ['detect NaN', post('/detect', undefined, { text: NOT_A_NUMBER })],
  ...[0, 1, 2, 3, 4].map((i): Named => {
    return [`detect anomaly ${i}`, post('/detect', { ...STORM, timestamp: minutesAgo(2 - i) })]
  }),
  ['trend', get('/detect/trend')],
  ['detect array', post('/detect', [QUIET])],
  ['batch', post('/detect/batch', { metrics: BATCH })],
  ...withBodies('/detect/batch', 'batch', BATCHES),
]
