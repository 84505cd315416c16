import { gzipSync } from 'node:zlib'
import protobuf from 'protobufjs'
import t, { type Test } from 'tap'
import fc from '../properties.js'
import { testService } from '../service.js'

const PROTOBUF = 'application/x-protobuf'

const Status = protobuf
  .parse('syntax = "proto3"; message Status { int32 code = 1; string message = 2; }')
  .root.lookupType('Status')

async function collector(t: Test) {
  const { app, sql, connection } = await testService(t)
  const send = async (payload: Buffer | string, headers: Record<string, string>, url = '/v1/traces') => {
    const {
      statusCode,
      headers: answered,
      rawPayload,
    } = await app.inject({ method: 'POST', url, payload, headers })
    const type = answered['content-type']
    const read = () =>
      type === PROTOBUF
        ? Status.toObject(Status.decode(rawPayload))
        : (JSON.parse(rawPayload.toString()) as unknown)
    return { status: statusCode, type, retryAfter: answered['retry-after'], read }
  }
  return { send, sql, connection, app }
}

t.test('failures are a google.rpc.Status in the encoding of the request', async (t) => {
  const { send } = await collector(t)
  const cases = [
    ['application/json', '{', {}, 400, 3, /not valid JSON/],
    ['application/json', '{"resourceSpans": 5}', {}, 400, 3, /resourceSpans is 5; allowed is a list/],
    [
      'application/json',
      '{"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": "soon"}]}]}]}',
      {},
      ...[400, 3, /resourceSpans\[0\]\.scopeSpans\[0\]\.spans\[0\]\.startTimeUnixNano is "soon"/],
    ],
    ['application/json', '[]', {}, 400, 3, /The body is a list/],
    ['application/json', '['.repeat(1000), {}, 400, 3, /nested/],
    [PROTOBUF, Buffer.from([0x0a, 0xff]), {}, 400, 3, /not a protobuf of OTLP traces/],
    [PROTOBUF, 'no gzip', { 'content-encoding': 'gzip' }, 400, 3, /not valid gzip/],
    [PROTOBUF, '', { 'content-encoding': 'zstd' }, 415, 3, /zstd is not supported; send gzip/],
    ['text/plain', 'x', {}, 415, 3, /application\/x-protobuf or application\/json/],
    [PROTOBUF, Buffer.alloc(8 * 2 ** 20 + 1), {}, 413, 8, /too large/],
    [PROTOBUF, gzipSync(Buffer.alloc(65 * 2 ** 20)), { 'content-encoding': 'gzip' }, 413, 8, /64 MiB/],
    // 2.5 million empty values, in few bytes.
    [
      PROTOBUF,
      gzipSync(Buffer.alloc(5e6, '\x0a\0')),
      { 'content-encoding': 'gzip' },
      413,
      8,
      /too many values/,
    ],
    [
      'application/json',
      gzipSync(`[${'{},'.repeat(1e6)}`),
      { 'content-encoding': 'gzip' },
      413,
      8,
      /too many values/,
    ],
  ] as [string, string | Buffer, Record<string, string>, number, number, RegExp][]
  for (const [type, body, headers, status, code, message] of cases) {
    const answer = await send(body, { 'content-type': type, ...headers })
    t.match(
      { ...answer, body: answer.read() },
      {
        status,
        type: type === PROTOBUF ? PROTOBUF : 'application/json',
        body: { code, message },
      },
    )
  }
})

t.test('an empty request is accepted', async (t) => {
  const { send } = await collector(t)
  for (const [type, body] of [
    [PROTOBUF, ''],
    ['application/json', ''],
    ['application/json', '{}'],
    [
      'application/json',
      '{"resourceSpans": [{"resource": null, "scopeSpans": [{"spans": [{"attributes": null}]}]}]}',
    ],
  ] as const) {
    t.match(await send(body, { 'content-type': type }), { status: 200, type })
  }
})

t.test('a collector is told to retry while the table or the database cannot take the requests', async (t) => {
  const { send, sql } = await collector(t)
  const now = `${Date.now()}000000`
  const attributes = [
    { key: 'http.request.method', value: { stringValue: 'GET' } },
    { key: 'url.path', value: { stringValue: '/x' } },
    { key: 'http.response.status_code', value: { intValue: 200 } },
  ]
  const body = JSON.stringify({
    resourceSpans: [{ scopeSpans: [{ spans: [{ kind: 2, startTimeUnixNano: now, attributes }] }] }],
  })
  const headers = { 'content-type': 'application/json' }
  await sql`alter table request_logs rename to elsewhere`
  const answer = await send(body, headers)
  t.match(
    { ...answer, body: answer.read() },
    { status: 503, retryAfter: '5', body: { code: 14, message: /request_logs/ } },
  )
  await sql`alter table elsewhere rename to request_logs`
  t.match(await send(body, headers), { status: 200 })
  t.match(await sql`select count(*)::int from request_logs`, [{ count: 1 }])
})

t.test('no bytes make the service fail', async (t) => {
  const { send } = await collector(t)
  const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
  const type = fc.constantFrom(PROTOBUF, 'application/json')
  const url = fc.constantFrom('/v1/traces', '/v1/logs')
  await fc.assert(
    fc.asyncProperty(bytes, type, url, async (body, contentType, path) => {
      const { status } = await send(body, { 'content-type': contentType }, path)
      return status === 200 || status === 400
    }),
    { numRuns: 300 },
  )
  await fc.assert(
    fc.asyncProperty(fc.json(), url, async (json, path) => {
      const body = `{"resourceSpans": [{"scopeSpans": [{"spans": [${json}]}]}], "resourceLogs": [{"scopeLogs": [{"logRecords": [${json}]}]}]}`
      const { status } = await send(body, { 'content-type': 'application/json' }, path)
      return status === 200 || status === 400
    }),
    { numRuns: 200 },
  )
})
