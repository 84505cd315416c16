import { gzipSync } from 'node:zlib'
import t from 'tap'
import { testService, type Service } from '../service.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'

/** A time in the past, with milliseconds that are not zero. */
const AT = Math.floor(Date.now() / MINUTE_MS - 10) * MINUTE_MS + 5123
const iso = new Date(AT).toISOString()

/** What is stored for each of the logs below, where the log has it. */
const STORED = {
  timestamp: new Date(AT),
  method: 'GET',
  path: '/users/7',
  status_code: 200,
  response_time_ms: 12,
  ip_address: '203.0.113.7',
}

/** A line of each server's log, as its documentation shows it. */
const LOGS: Readonly<Record<string, object>> = {
  nginx: {
    ...{ msec: (AT / 1000).toFixed(3), request_method: 'GET', request_uri: '/users/7?page=2', status: '200' },
    ...{ request_time: '0.012', remote_addr: '203.0.113.7', remote_user: '', http_user_agent: 'curl/8' },
    ...{ request_id: '2f6946328ffc4946b8c9120704a4a155', body_bytes_sent: '512', upstream_addr: '-' },
  },
  envoy: {
    ...{ start_time: iso, method: 'GET', path: '/users/7?page=2', protocol: 'HTTP/2', response_code: 200 },
    ...{
      response_flags: '-',
      duration: 12,
      bytes_sent: 512,
      x_forwarded_for: null,
      authority: 'example.org',
    },
    ...{ downstream_remote_address: '203.0.113.7:51320', upstream_host: '10.0.0.2:80', user_agent: 'curl/8' },
    ...{ upstream_cluster: 'users', request_id: '2f694632-8ffc-4946-b8c9-120704a4a155' },
  },
  traefik: {
    ...{ StartUTC: `${iso.slice(0, -1)}456789Z`, StartLocal: iso, time: iso, RequestMethod: 'GET' },
    ...{ RequestPath: '/users/7?page=2', DownstreamStatus: 200, OriginStatus: 200, Duration: 12_345_678 },
    ...{ ClientHost: '203.0.113.7', ClientAddr: '203.0.113.7:51320', ClientUsername: '-', level: 'info' },
    ...{ 'request_User-Agent': 'curl/8', ServiceName: 'users@docker', RouterName: 'api@docker' },
  },
  caddy: {
    ...{ level: 'info', ts: AT / 1000, logger: 'http.log.access', msg: 'handled request', status: 200 },
    request: {
      ...{
        remote_ip: '10.0.0.9',
        client_ip: '203.0.113.7',
        proto: 'HTTP/2.0',
        method: 'GET',
        host: 'example.org',
      },
      ...{ uri: '/users/7?page=2', headers: { 'User-Agent': ['curl/8'] } },
    },
    ...{ user_id: '', duration: 0.012345, size: 512, resp_headers: { Server: ['Caddy'] } },
  },
  kong: {
    request: {
      ...{ id: '2f6946328ffc4946b8c9120704a4a155', method: 'GET', uri: '/users/7?page=2', size: 80 },
      ...{
        headers: { 'user-agent': 'curl/8', host: 'example.org' },
        url: 'http://example.org/users/7?page=2',
      },
    },
    response: { status: 200, size: 512, headers: {} },
    ...{ latencies: { request: 12, kong: 1, proxy: 11 }, client_ip: '203.0.113.7', started_at: AT },
    service: { name: 'users', host: '10.0.0.2' },
  },
  haproxy: {
    ...{ timestamp: String(AT), client_ip: '203.0.113.7', http_method: 'GET', http_uri: '/users/7?page=2' },
    ...{ status_code: '200', time_active: '12', backend_name: 'users' },
  },
  apisix: {
    request: {
      ...{ method: 'GET', uri: '/users/7?page=2', url: 'http://example.org:9080/users/7?page=2', size: 80 },
      ...{ headers: { 'user-agent': 'curl/8', host: 'example.org' }, querystring: { page: '2' } },
    },
    response: { status: 200, size: 512, headers: {} },
    ...{ start_time: AT, latency: 12.000083923, upstream_latency: 11, client_ip: '203.0.113.7' },
    ...{
      upstream: '10.0.0.2:80',
      service_id: '',
      route_id: '1',
      server: { hostname: 'gateway', version: '3.9.0' },
    },
  },
}

const send = (
  { post }: Service,
  query: string,
  payload: string | Buffer,
  headers: Record<string, string> = {},
) =>
  post(`/ingest/requests?${query}`, undefined, {
    payload,
    headers: { 'content-type': 'application/json', ...headers },
  })

t.test('a line of the log of each server is read with its preset, without warnings', async (t) => {
  const service = await testService(t)
  for (const [preset, line] of Object.entries(LOGS)) {
    const answer = await send(service, `preset=${preset}`, JSON.stringify(line))
    t.match(answer, { status: 202, body: { data: { accepted: 1, skipped: 0 } } }, preset)
    t.notOk(answer.body.warnings, preset)
    t.match(await service.sql`select * from request_logs`, [STORED], preset)
    await service.sql`truncate request_logs`
  }
})

t.test('a map counts before the preset, field by field', async (t) => {
  const service = await testService(t)
  const map = encodeURIComponent('path:request.headers.host,response_time_ms:latencies.kong*1000')
  await send(service, `preset=kong&map=${map}`, JSON.stringify(LOGS['kong']))
  t.match(await service.sql`select * from request_logs`, [
    { ...STORED, path: 'example.org', response_time_ms: 1000 },
  ])
  t.match(await send(service, 'map=colour:x', '{}'), {
    status: 400,
    body: { message: /^map cannot be used: "colour" is not one of timestamp, .*; allowed is target:source/ },
  })
  t.match(await send(service, 'preset=apache', '{}'), {
    status: 400,
    body: { message: /^preset is "apache"/ },
  })
})

t.test('bodies of Fluent Bit, Vector and Logstash are stored once', async (t) => {
  const service = await testService(t)
  const nginx = { ...LOGS['nginx'] }
  const gzip = { 'content-encoding': 'gzip' }
  const two = [nginx, { ...nginx, request_uri: '/users/8' }]
  const ndjson = two.map((each) => `${JSON.stringify(each)}\n`).join('')
  const bodies: [string, string | Buffer, Record<string, string>][] = [
    ['fluent-bit json', JSON.stringify(two.map((each) => ({ date: AT / 1000, ...each }))), {}],
    ['fluent-bit json_lines', gzipSync(ndjson), gzip],
    ['fluent-bit json_stream', two.map((each) => JSON.stringify(each)).join(''), {}],
    ['vector json', gzipSync(JSON.stringify(two)), gzip],
    ['vector newline_delimited', gzipSync(ndjson), { ...gzip, 'content-type': 'application/x-ndjson' }],
    [
      'logstash json_batch',
      JSON.stringify(two.map((each) => ({ '@timestamp': iso, '@version': '1', ...each }))),
      {},
    ],
    ['syslog-ng', ndjson.trimEnd(), { 'content-type': 'text/plain' }],
  ]
  for (const [source, body, headers] of bodies) {
    const query = `preset=nginx&on_invalid=skip&source=${encodeURIComponent(source)}`
    t.match(
      (await send(service, query, body, headers)).body.data,
      { source, accepted: 2, skipped: 0 },
      source,
    )
    t.match(
      (await send(service, query, body, headers)).body.data,
      { source, accepted: 0, duplicate: true },
      source,
    )
  }
  t.match(await service.sql`select path, count(*)::int from request_logs group by path order by path`, [
    { path: '/users/7', count: bodies.length },
    { path: '/users/8', count: bodies.length },
  ])
})
