import { gzipSync } from 'node:zlib'

/** Requests that are sent at the same time. */
export interface HostileCase {
  readonly name: string
  readonly path: string
  readonly method?: 'GET' | 'POST' | 'PUT'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
  /** Requests at the same time; 1 by default. */
  readonly times?: number
}

const MIB = 2 ** 20
const SIZE = 8 * MIB - 1024

const ROW = {
  requests_per_second: 50,
  avg_latency_ms: 45,
  p95_latency_ms: 90,
  p99_latency_ms: 135,
  error_rate: 0.01,
}

const MINUTE_MS = 60_000
const START_MS = Date.parse('2026-11-02T00:00:00Z')

const FULL_ROWS = Array.from({ length: 10_000 }, (_, i) => ({
  ...ROW,
  timestamp: new Date(START_MS + i * MINUTE_MS).toISOString(),
  status_2xx: 2970,
  status_4xx: 20,
  status_5xx: 10,
  total_requests: 3000,
  interval_seconds: 60,
  source: 'gateway-a',
}))

const json = (value: unknown) => Buffer.from(JSON.stringify(value))
const filled = (text: string, bytes = SIZE) => Buffer.alloc(bytes, text)
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)

/** An object of so many keys with a value each. */
function keys(count: number, name: (index: number) => string, value = '1'): string {
  const entries = Array.from({ length: count }, (_, index) => `${JSON.stringify(name(index))}:${value}`)
  return entries.join(',')
}

const usual = JSON.stringify(ROW).slice(1, -1)
const withField = (field: string) => Buffer.from(`{${usual},${field}}`)

/** Bodies of about 8 MiB that are cheap to send, each to the two routes of detection. */
const BODIES: readonly (readonly [string, Buffer])[] = [
  ['[ without end', filled('[')],
  ['{"a": without end', filled('{"a":')],
  ['400,000 levels', Buffer.from(nested(400_000))],
  ['400,000 levels in an unknown field', withField(`"x":${nested(400_000)}`)],
  ['500,000 unknown keys', withField(keys(500_000, (i) => `k${i}`))],
  ['100,000 long unknown keys', withField(keys(100_000, (i) => `${i}-${'k'.repeat(60)}`))],
  ['350,000 times the same key', withField(keys(350_000, () => 'requests_per_second'))],
  ['numbers as keys', withField(keys(500_000, (i) => String(4_294_967_200 - i * 17)))],
  ['one text', withField(`"x":"${'x'.repeat(SIZE - 500)}"`)],
  ['one text of escapes', withField(`"x":"${'\\u0041'.repeat((SIZE - 500) / 6)}"`)],
  ['one number', withField(`"x":${'7'.repeat(SIZE - 500)}`)],
  ['a list of 4,000,000 numbers', withField(`"x":[${'1,'.repeat((SIZE - 500) / 2)}1]`)],
  ['2,000,000 empty objects', withField(`"x":[${'{},'.repeat((SIZE - 500) / 3)}{}]`)],
  ['blanks', filled(' ')],
  ['NaN without end', filled('"a":NaN,')],
  ['zeros', Buffer.alloc(SIZE)],
]

const DETECTION: readonly HostileCase[] = ['/detect', '/detect/batch'].flatMap((path) =>
  BODIES.map(([name, body]) => ({ name, path, body })),
)

const BATCHES: readonly HostileCase[] = [
  { name: '10,000 rows', body: json({ metrics: FULL_ROWS }) },
  { name: '10,000 rows, replay', body: json({ metrics: FULL_ROWS, mode: 'replay' }) },
  {
    name: '10,000 rows with 20 unknown fields each',
    body: Buffer.from(
      `{"metrics":[${Array(10_000)
        .fill(`{${usual},${keys(20, (i) => `unknown_${i}`)}}`)
        .join(',')}]}`,
    ),
  },
  {
    name: '2,500 rows of one field',
    body: json({ metrics: Array(2_500).fill({ requests_per_second: 50 }) }),
  },
  { name: '8 MiB of empty rows', body: Buffer.from(`{"metrics":[${'{},'.repeat((SIZE - 100) / 3)}{}]}`) },
  {
    name: '10,000 rows, the last one bad',
    body: json({ metrics: [...FULL_ROWS.slice(1), { ...ROW, error_rate: 2 }] }),
  },
  { name: '20 × 10,000 rows at once', body: json({ metrics: FULL_ROWS }), times: 20 },
].map((each) => ({ path: '/detect/batch', ...each }))

const INGESTED = Array.from({ length: 10_000 }, (_, i) => ({
  timestamp: new Date(Date.now() - i * 100).toISOString(),
  method: 'GET',
  path: `/api/items/${i % 100}`,
  status_code: 200,
  response_time_ms: 45,
  user_id: `user-${i % 500}`,
}))

const span = {
  kind: 2,
  name: 'GET /api/items/{id}',
  startTimeUnixNano: String(Date.now() * 1e6),
  endTimeUnixNano: String((Date.now() + 40) * 1e6),
  attributes: [
    { key: 'http.request.method', value: { stringValue: 'GET' } },
    { key: 'url.path', value: { stringValue: '/api/items/7' } },
    { key: 'http.response.status_code', value: { intValue: '200' } },
  ],
}
const traces = (spans: unknown) => json({ resourceSpans: [{ scopeSpans: [{ spans }] }] })
const GZIP = { 'content-encoding': 'gzip' }

const TRAFFIC: readonly HostileCase[] = [
  { name: '10,000 requests in an object', path: '/ingest/requests', body: json({ requests: INGESTED }) },
  { name: '10,000 requests in a list', path: '/ingest/requests', body: json(INGESTED) },
  { name: '[ without end', path: '/ingest/requests', body: filled('[') },
  { name: '{"a": without end', path: '/ingest/requests', body: filled('{"a":') },
  {
    name: '64 MiB of [, gzip',
    path: '/ingest/requests',
    body: gzipSync(filled('[', 64 * MIB)),
    headers: GZIP,
  },
  {
    name: '250,000 levels in a list',
    path: '/ingest/requests',
    body: Buffer.from(`[${nested(250_000)},${nested(250_000)}]`),
  },
  { name: '500,000 keys', path: '/ingest/requests', body: withField(keys(500_000, (i) => `k${i}`)) },
  {
    name: '4,000,000 numbers in an object',
    path: '/ingest/requests',
    body: Buffer.from(`{"requests":[${'1,'.repeat(4e6)}1]}`),
  },
  { name: '10,000 spans', path: '/v1/traces', body: traces(Array(10_000).fill(span)) },
  { name: '[ without end', path: '/v1/traces', body: filled('[') },
  {
    name: '2,000,000 values, gzip',
    path: '/v1/traces',
    body: gzipSync(traces(Array(600_000).fill({}))),
    headers: GZIP,
  },
  {
    name: '60 MiB of spans, gzip',
    path: '/v1/traces',
    body: gzipSync(traces(Array(120_000).fill(span))),
    headers: GZIP,
  },
]

const OTHERS: readonly HostileCase[] = [
  { name: '500,000 unknown keys', path: '/train', body: withField(keys(500_000, (i) => `k${i}`)) },
  { name: '[ without end', path: '/optimize', body: filled('[') },
  { name: '[ without end', path: '/endpoints/rules', method: 'PUT', body: filled('[') },
  {
    name: '8 MiB of form',
    path: '/detect',
    body: filled('a=b&'),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  },
  { name: 'a long query', path: `/health?${'a=1&'.repeat(3000)}`, method: 'GET' },
]

export const CASES: readonly HostileCase[] = [...DETECTION, ...BATCHES, ...TRAFFIC, ...OTHERS]
