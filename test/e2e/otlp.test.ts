import { gzipSync } from 'node:zlib'
import { SpanKind, SpanStatusCode, type Attributes } from '@opentelemetry/api'
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto'
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import t, { type Test } from 'tap'
import { HOUR_MS, MINUTE_MS } from '../../models/traffic/durations.js'
import { LOG_REQUEST, TRACE_REQUEST } from '../../routes/schemas/examples/otlp.js'
import { testService, type Service } from '../service.js'

const resource = resourceFromAttributes({ 'service.name': 'users' })

const TIME_MS = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - HOUR_MS

const GET_USER = {
  'http.request.method': 'GET',
  'http.route': '/users/:id',
  'url.path': '/users/zoe',
  'http.response.status_code': 200,
  'client.address': '203.0.113.7',
  'user_agent.original': 'curl/8',
  'user.id': 'zoe',
}

async function listen(t: Test, environment: Record<string, string> = {}) {
  const service = await testService(t, environment)
  const url = await service.app.listen({ host: '127.0.0.1', port: 0 })
  return { ...service, url }
}

const rowsOf = ({ sql }: Service) => sql`select * from request_logs order by path`

/** A JSON request, with every time at TIME_MS. */
const at = (request: object) =>
  JSON.parse(JSON.stringify(request).replaceAll('1769860800', String(TIME_MS / 1000))) as object

const traces = (...spans: object[]) => ({ resourceSpans: [{ scopeSpans: [{ spans }] }] })

const serverSpan = (attributes: Record<string, string | number>, more: object = {}) => ({
  kind: 2,
  startTimeUnixNano: `${TIME_MS}000000`,
  endTimeUnixNano: `${TIME_MS + 12}000000`,
  attributes: Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
  })),
  ...more,
})

for (const Exporter of [ProtobufExporter, JsonExporter]) {
  for (const compression of ['none', 'gzip'] as const) {
    const name = Exporter === ProtobufExporter ? 'protobuf' : 'JSON'
    t.test(`the spans of an SDK become requests (${name}, ${compression})`, async (t) => {
      const service = await listen(t)
      const exporter = new Exporter({
        url: `${service.url}/v1/traces`,
        compression: compression as NonNullable<ConstructorParameters<typeof Exporter>[0]>['compression'] &
          string,
      })
      const results: unknown[] = []
      const send = exporter.export.bind(exporter)
      exporter.export = (spans, done) =>
        send(spans, (result) => {
          results.push(result.code)
          done(result)
        })
      const provider = new TracerProvider({
        resource,
        spanProcessors: [new BatchSpanProcessor({ exporter })],
      })
      t.teardown(() => provider.shutdown())
      const tracer = provider.getTracer('test')
      const record = (kind: SpanKind, attributes: Attributes, error?: string) => {
        const span = tracer.startSpan('span', { kind, startTime: TIME_MS, attributes })
        if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error })
        span.end(TIME_MS + 42)
      }
      record(SpanKind.SERVER, GET_USER)
      record(SpanKind.SERVER, { 'http.method': 'post', 'http.target': '/x?token=secret' }, 'connection reset')
      record(SpanKind.CLIENT, { ...GET_USER, 'url.path': '/client' })
      record(SpanKind.SERVER, { 'rpc.system': 'grpc' })
      record(SpanKind.INTERNAL, {})
      await provider.forceFlush()
      t.same(results, [0])
      t.match(await rowsOf(service), [
        {
          timestamp: new Date(TIME_MS),
          method: 'GET',
          path: '/users/{id}',
          status_code: 200,
          response_time_ms: 42,
          user_id: 'zoe',
          ip_address: '203.0.113.7',
          user_agent: 'curl/8',
          backend_name: 'users',
          error_message: null,
        },
        { method: 'POST', path: '/x', status_code: 500, user_id: null, error_message: 'connection reset' },
      ])
      t.equal((await rowsOf(service)).length, 2)
    })
  }
}

t.test('log records of an SDK become requests, whether attributes or the body describe them', async (t) => {
  const service = await listen(t)
  const exporter = new OTLPLogExporter({ url: `${service.url}/v1/logs` })
  const provider = new LoggerProvider({ resource, processors: [new BatchLogRecordProcessor({ exporter })] })
  t.teardown(() => provider.shutdown())
  const logger = provider.getLogger('test')
  const line = `198.51.100.7 - zoe [${clfTime(TIME_MS)}] "GET /clf?x=1 HTTP/1.1" 404 12 "-" "curl/8" 0.250`
  const json = { time: new Date(TIME_MS).toISOString(), request_method: 'GET', uri: '/json', status: 503 }
  logger.emit({ timestamp: TIME_MS, attributes: { ...GET_USER, duration_ms: 7 } })
  logger.emit({
    timestamp: TIME_MS,
    body: { 'http.request.method': 'GET', url: { path: '/body' }, 'http.status_code': 200 },
  })
  logger.emit({ timestamp: TIME_MS, body: line })
  logger.emit({ timestamp: TIME_MS, body: JSON.stringify(json) })
  logger.emit({ timestamp: TIME_MS, body: 'the cache is full' })
  await provider.forceFlush()
  const rows = await rowsOf(service)
  t.match(rows, [
    { path: '/body', status_code: 200, backend_name: 'users' },
    { path: '/clf', status_code: 404, response_time_ms: 250, ip_address: '198.51.100.7', user_id: 'zoe' },
    { path: '/json', status_code: 503, response_time_ms: null, timestamp: new Date(TIME_MS) },
    { path: '/users/{id}', status_code: 200, response_time_ms: 7 },
  ])
  t.equal(rows.length, 4)
})

t.test('the answer counts what cannot be stored, and the rest is stored', async (t) => {
  const service = await testService(t)
  const old = { startTimeUnixNano: '1000000000000000000' }
  const spans = traces(
    serverSpan({ 'http.request.method': 'GET', 'url.path': '/good', 'http.response.status_code': 200 }),
    serverSpan({ 'http.request.method': 'GET', 'url.path': '/none' }),
    serverSpan({ 'http.request.method': 'GET', 'url.path': '/none', 'http.response.status_code': 1000 }),
    serverSpan({ 'http.request.method': 'GET', 'http.response.status_code': 200 }),
    serverSpan(GET_USER, old),
  )
  const answer = await service.app.inject({ method: 'POST', url: '/v1/traces', payload: spans })
  t.equal(answer.statusCode, 200)
  t.equal(answer.headers['content-type'], 'application/json')
  t.same(answer.json(), {
    partialSuccess: {
      rejectedSpans: '4',
      errorMessage:
        'Not stored: 2: no http.response.status_code from 100 to 599; 1: no url.path; 1: a time before the retention (RETENTION_DAYS).',
    },
  })
  const logs = { resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'no request' } }] }] }] }
  const refused = await service.app.inject({ method: 'POST', url: '/v1/logs', payload: logs })
  t.match(refused.json(), {
    partialSuccess: { rejectedLogRecords: '1', errorMessage: /no line of an access log/ },
  })
  t.match(await rowsOf(service), [{ path: '/good' }])
})

t.test('a body that is sent again adds nothing', async (t) => {
  const service = await testService(t)
  for (const [url, request] of [
    ['/v1/traces', TRACE_REQUEST],
    ['/v1/logs', LOG_REQUEST],
  ] as const) {
    const payload = JSON.stringify(at(request))
    const headers = { 'content-type': 'application/json' }
    const packed = { 'content-encoding': 'gzip', ...headers }
    for (const question of [
      { payload, headers },
      { payload, headers },
      { payload: gzipSync(payload), headers: packed },
    ]) {
      const answer = await service.app.inject({ method: 'POST', url, ...question })
      t.same([answer.statusCode, answer.body], [200, '{}'])
    }
  }
  t.match(await rowsOf(service), [{ path: '/users/42' }, { path: '/users/{id}', response_time_ms: 42 }])
  t.equal((await rowsOf(service)).length, 2)
})

t.test('requests with a declared route and those with raw paths are one endpoint', async (t) => {
  const service = await testService(t)
  const span = (attributes: object) =>
    serverSpan({ 'http.request.method': 'GET', 'http.response.status_code': 200, ...attributes })
  const three = [
    span({ 'http.route': '/users/{userId}', 'url.path': '/users/zoe' }),
    span({ 'http.route': '/users/:id', 'url.path': '/users/42' }),
    span({ 'url.path': '/users/43?page=2' }),
  ]
  // Ten successful requests earn a name.
  await service.post('/v1/traces', traces(...new Array<typeof three>(4).fill(three).flat()))
  await service.post('/train', { days: 1 }) // brings the rollups up to date
  const endpoints = await service.sql`select method, path from aegis_ml_rollup_endpoints where endpoint > 0`
  t.same([...endpoints], [{ method: 'GET', path: '/users/{id}' }])
})

t.test('more than 10,000 spans in one request are stored', async (t) => {
  const service = await testService(t)
  const span = serverSpan({
    'http.request.method': 'GET',
    'url.path': '/x',
    'http.response.status_code': 200,
  })
  const payload = gzipSync(JSON.stringify(traces(...new Array<object>(10_001).fill(span))))
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
  for (const attempt of ['once', 'once, when the body comes again']) {
    t.match(await service.app.inject({ method: 'POST', url: '/v1/traces', payload, headers }), {
      statusCode: 200,
    })
    t.match(await service.sql`select count(*)::int from request_logs`, [{ count: 10_001 }], attempt)
  }
})

function clfTime(timeMs: number): string {
  const [, day, month, year, time] = new Date(timeMs).toUTCString().split(' ')
  return `${day}/${month}/${year}:${time} +0000`
}
