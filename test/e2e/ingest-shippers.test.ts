import { createHash, randomBytes } from 'node:crypto'
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import t from 'tap'
import { testService, type Service } from '../service.js'
import { DAY_MS, MINUTE_MS } from '../../models/traffic/durations.js'

const FROM = Date.now() - 10 * MINUTE_MS

type Row = Record<string, unknown>

/** Distinct requests. */
const row = (index: number, changes: Row = {}): Row => ({
  timestamp: new Date(FROM + index).toISOString(),
  method: 'GET',
  path: `/${index}`,
  status_code: 200,
  ...changes,
})

interface Sending {
  readonly type?: string
  readonly query?: string
  readonly headers?: Record<string, string>
}

const send = (
  { post }: Service,
  payload: string | Buffer | object,
  { type = 'application/json', query = '', headers = {} }: Sending = {},
) =>
  post(`/ingest/requests${query}`, undefined, {
    payload: Buffer.isBuffer(payload) || typeof payload === 'string' ? payload : JSON.stringify(payload),
    headers: { 'content-type': type, ...headers },
  })

const lines = (rows: readonly Row[]) => rows.map((each) => `${JSON.stringify(each)}\n`).join('')

const pathsOf = async ({ sql }: Service) =>
  (await sql<{ path: string }[]>`select path from request_logs order by path`).map(({ path }) => path)

t.test(
  'one request, a list, an object with requests, and NDJSON of any content type are stored',
  async (t) => {
    const service = await testService(t)
    const cases: [string | object, string, number][] = [
      [row(1), 'application/json', 1],
      [[row(2), row(3)], 'application/json; charset=utf-8', 2],
      [{ batch_id: 'x', requests: [row(4)] }, 'application/json', 1],
      [{ requests: [row(5)] }, 'application/json', 1],
      [lines([row(6), row(7)]), 'application/json', 2],
      [lines([row(8), row(9)]), 'text/plain', 2],
      [lines([row(10)]), 'application/x-ndjson', 1],
      [lines([row(11), row(12)]), 'application/jsonlines', 2],
      [JSON.stringify(row(13)) + JSON.stringify(row(14)), 'application/json', 2],
      [JSON.stringify([row(15)], null, 2), 'application/json', 1],
      [JSON.stringify(row(16), null, 2), 'application/json', 1],
    ]
    for (const [body, type, accepted] of cases) {
      const answer = await send(service, body, { type })
      t.match(
        answer,
        { status: 202, body: { data: { accepted, duplicate: false, skipped: 0 } } },
        JSON.stringify(body),
      )
      t.notOk(answer.body.warnings)
    }
    t.equal((await pathsOf(service)).length, 16)
  },
)

t.test('a batch without an id has the hash of its body as its id', async (t) => {
  const service = await testService(t)
  const body = lines([row(1), row(2)])
  const batch_id = createHash('sha256').update(body).digest('hex')
  t.match((await send(service, body)).body.data, {
    batch_id,
    source: 'default',
    accepted: 2,
    duplicate: false,
  })
  const zipped = await send(service, gzipSync(body), { headers: { 'content-encoding': 'gzip' } })
  t.match(zipped.body.data, { batch_id, accepted: 0, duplicate: true }, 'compressed it is the same')
  t.match((await send(service, lines([row(3)]))).body.data, { accepted: 1 })
  t.same(await pathsOf(service), ['/1', '/2', '/3'])
})

t.test('ids are those of a source, and an id with other content is refused', async (t) => {
  const service = await testService(t)
  const { sql } = service
  const batch = { batch_id: 'a', requests: [row(1)] }
  t.match((await send(service, batch)).body.data, { source: 'default', accepted: 1 })
  t.match(await send(service, { batch_id: 'a', requests: [row(2)] }), {
    status: 409,
    body: { code: 'BATCH_CONFLICT', message: /other content is stored/ },
  })
  t.match((await send(service, { ...batch, source: 'edge-2' })).body.data, { source: 'edge-2', accepted: 1 })
  t.match((await send(service, row(3), { query: '?batch_id=a&source=edge-3' })).body.data, { accepted: 1 })
  t.match((await send(service, batch)).body.data, { accepted: 0, duplicate: true })
  t.same(await pathsOf(service), ['/1', '/1', '/3'])

  await sql`insert into aegis_ml_ingest_batches (batch_id, requests) values ('old', 1)`
  t.match(
    (await send(service, { batch_id: 'old', requests: [row(4)] })).body.data,
    { accepted: 0, duplicate: true },
    'an earlier release has stored no content to compare with',
  )
})

t.test('Idempotency-Key is an id too, where there is no other', async (t) => {
  const service = await testService(t)
  const keyed = (key: string, body: object, query = '') =>
    send(service, body, { query, headers: { 'idempotency-key': key } })
  t.match((await keyed('"k 1"', row(1))).body.data, { batch_id: 'k 1', accepted: 1 })
  t.match((await keyed('k 1', row(1))).body.data, { duplicate: true })
  t.match(await keyed('k 1', row(2)), { status: 409, body: { code: 'BATCH_CONFLICT' } })
  t.match((await keyed('k 1', row(2), '?batch_id=q')).body.data, { batch_id: 'q', accepted: 1 })
  t.match((await keyed('k 1', { batch_id: 'b', requests: [row(3)] }, '?batch_id=q')).body.data, {
    batch_id: 'b',
  })
  t.match(await keyed('', row(4)), {
    status: 400,
    body: { message: /^Idempotency-Key is ""; allowed is a text/ },
  })
  t.match(await send(service, { source: 5, requests: [row(5)] }), {
    status: 400,
    body: { message: /^source is 5;/ },
  })
})

t.test('gzip and deflate are taken, other encodings and broken ones are not', async (t) => {
  const service = await testService(t)
  const text = lines(Array.from({ length: 2000 }, (_, index) => row(index)))
  const encoded = (body: Buffer, encoding: string) =>
    send(service, body, { headers: { 'content-encoding': encoding } })
  for (const [index, [body, encoding]] of [
    [gzipSync(text), 'gzip'],
    [Buffer.concat([gzipSync(text.slice(0, 5000)), gzipSync(text.slice(5000))]), 'x-gzip'],
    [deflateSync(text), 'deflate'],
    [deflateRawSync(text), 'Deflate'],
    [Buffer.from(text), 'identity'],
  ].entries() as Iterable<[number, [Buffer, string]]>) {
    const answer = await send(service, body, {
      query: `?source=s${index}`,
      headers: { 'content-encoding': encoding },
    })
    t.match(answer, { status: 202, body: { data: { accepted: 2000, source: `s${index}` } } }, encoding)
  }
  for (const encoding of ['br', 'zstd', 'gzip, gzip', 'x'.repeat(200)]) {
    t.match(await encoded(gzipSync(text), encoding), {
      status: 415,
      body: {
        code: 'UNSUPPORTED_MEDIA_TYPE',
        message: /^The content encoding .* send gzip, deflate or no encoding\.$/,
      },
    })
  }
  for (const body of [gzipSync(text).subarray(0, -20), Buffer.from(text), randomBytes(100)]) {
    t.match(await encoded(body, 'gzip'), { status: 400, body: { message: /^The body is not valid gzip/ } })
  }
  t.match(await encoded(Buffer.alloc(0), 'gzip'), { status: 400, body: { message: /^requests is required/ } })
  t.match(
    await send(service, lines([row(1)]), { type: 'text/plain', headers: { origin: 'http://localhost' } }),
    {
      status: 415,
      body: { message: /^The content type text\/plain of a browser is not supported/ },
    },
  )
})

t.test('a small body that becomes a huge one is stopped', async (t) => {
  const service = await testService(t)
  const bombs = [
    gzipSync(Buffer.alloc(80 << 20, '\n')),
    gzipSync(Buffer.alloc(80 << 20, ' ')),
    Buffer.alloc(9 << 20, '\n'),
  ]
  for (const bomb of bombs) {
    const encoding: Record<string, string> = bomb[0] === 0x1f ? { 'content-encoding': 'gzip' } : {}
    const answer = await send(service, bomb, { type: 'application/x-ndjson', headers: encoding })
    t.match(answer, { status: 413, body: { code: 'BODY_TOO_LARGE' } })
  }
  const both = await send(service, bombs[0]!, {
    type: 'application/x-ndjson',
    headers: { 'content-encoding': 'gzip' },
  })
  t.match(both.body.message, /8 MiB are allowed, and 64 MiB after decompression/)
  for (const bomb of bombs.slice(0, 2)) {
    const answer = await send(service, bomb, { headers: { 'content-encoding': 'gzip' } })
    t.match(answer, { status: 413, body: { code: 'BODY_TOO_LARGE' } }, 'also when it says that it is JSON')
  }
  const deep = await send(service, gzipSync(Buffer.alloc(80 << 20, '[')), {
    headers: { 'content-encoding': 'gzip' },
  })
  t.match(deep, { status: 400, body: { message: /nested more than 64 levels deep/ } })
  const wide = await send(service, Buffer.from(`{"requests":[${'1,'.repeat(600_000)}1]}`))
  t.match(wide, { status: 413, body: { message: /more than 500000 values.*as a list or as NDJSON/ } })
})

t.test('with on_invalid=skip the valid requests are stored, and the answer says what was not', async (t) => {
  const service = await testService(t)
  const body = [
    JSON.stringify(row(1)),
    JSON.stringify(row(2, { status_code: 700 })),
    '{"method": ',
    JSON.stringify(row(4, { path: undefined })),
    JSON.stringify(row(5, { timestamp: new Date(Date.now() - 400 * DAY_MS).toISOString() })),
    JSON.stringify(row(6, { status_code: 'x' })),
    '5',
    JSON.stringify(row(8)),
  ].join('\n')
  const answer = await send(service, body, { type: 'application/x-ndjson', query: '?on_invalid=skip' })
  t.match(answer, { status: 202, body: { data: { accepted: 2, duplicate: false, skipped: 6 } } })
  t.same(answer.body.data['skipped_reasons'], [
    { field: 'status_code', reason: 'invalid', count: 2 },
    { field: null, reason: 'not_json', count: 1 },
    { field: 'path', reason: 'missing', count: 1 },
    { field: 'timestamp', reason: 'out_of_range', count: 1 },
    { field: null, reason: 'invalid', count: 1 },
  ])
  t.match(answer.body.data['skipped_requests'], [
    { row: 'Line 2', field: 'status_code', problem: 'is 700; allowed is a whole number from 100 to 599' },
    { row: 'Line 3', field: null, problem: /^Line 3 is not valid JSON/ },
    { row: 'Line 4', field: 'path', problem: /^is required; allowed is/ },
    { row: 'Line 5', field: 'timestamp', problem: /; allowed is a time from/ },
    { row: 'Line 6', field: 'status_code' },
    { row: 'Line 7', field: null, problem: 'is 5; allowed is a JSON object' },
  ])
  t.same(await pathsOf(service), ['/1', '/8'])
  const list = await send(service, [row(9), row(10, { method: '' })], { query: '?on_invalid=skip' })
  t.match(list.body.data, { accepted: 1, skipped_requests: [{ row: 'requests[1]', field: 'method' }] })
  const none = Array.from({ length: 50 }, (_, index) => row(index, { method: '' }))
  const nothing = await send(service, { batch_id: 'n', requests: none }, { query: '?on_invalid=skip' })
  t.match(nothing.body.data, { accepted: 0, duplicate: false, skipped: 50 })
  t.equal((nothing.body.data['skipped_requests'] as unknown[]).length, 20)
  t.match(
    (await send(service, { batch_id: 'n', requests: [row(11)] })).body.data,
    { accepted: 1 },
    'its id is free',
  )
  t.match(await send(service, row(1), { query: '?on_invalid=ignore' }), {
    status: 400,
    body: { message: /^on_invalid is "ignore"; allowed is one of reject, skip/ },
  })
})

t.test('a request without a partition for its time is an invalid request', async (t) => {
  const service = await testService(t)
  const { sql } = service
  const day = (ms: number) => new Date(Math.floor(ms / DAY_MS) * DAY_MS)
  await sql`alter table request_logs rename to plain`
  await sql`create table request_logs (like plain including defaults including identity) partition by range ("timestamp")`
  await sql.unsafe(`create table today partition of request_logs
    for values from ('${day(FROM).toISOString()}') to ('${day(FROM + 2 * DAY_MS).toISOString()}')`)
  const old = new Date(FROM - 3 * DAY_MS).toISOString()
  const batch = [row(1), row(2, { timestamp: old }), row(3), row(4, { timestamp: old })]
  t.match(await send(service, batch), {
    status: 400,
    body: {
      code: 'INVALID_REQUEST',
      message: `requests[1].timestamp is "${old}"; allowed is a time for which the table request_logs has a partition.`,
    },
  })
  t.same(await pathsOf(service), [])
  t.match((await send(service, lines(batch), { query: '?on_invalid=skip' })).body.data, {
    accepted: 2,
    skipped: 2,
    skipped_reasons: [{ field: 'timestamp', reason: 'no_partition', count: 2 }],
    skipped_requests: [{ row: 'Line 2' }, { row: 'Line 4' }],
  })
  t.same(await pathsOf(service), ['/1', '/3'])
})

t.test('ten thousand requests are the most, in any form', async (t) => {
  const service = await testService(t)
  const rows = Array.from({ length: 10_001 }, (_, index) => row(index))
  for (const body of [rows, { requests: rows }, lines(rows)]) {
    t.match(await send(service, body), {
      status: 400,
      body: { message: 'requests is a list of 10001; allowed is a list of 1 to 10000 entries.' },
    })
  }
  for (const [index, body] of [rows.slice(1), lines(rows.slice(1))].entries()) {
    t.match((await send(service, body, { query: `?source=${index}` })).body.data, { accepted: 10_000 })
  }
})
