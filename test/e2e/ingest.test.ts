import t from 'tap'
import { eventually } from '../eventually.js'
import { testService } from '../service.js'
import { DAY_MS, MINUTE_MS } from '../../models/traffic/durations.js'
import { ago, row, ingest, ingestLines, countOf, NOTHING, TABLES, type Row } from './ingested.js'

for (const [table, columns] of Object.entries(TABLES)) {
  t.test(`every field of a request is in ${table}, and what is left out is not`, async (t) => {
    const service = await testService(t, { TRAFFIC_TABLE: table })
    const { sql } = service
    const full = row({
      method: 'propfind-everything',
      path: '/a\tb\\.\n/ü?token=secret',
      status_code: 429,
      response_time_ms: 12.6,
      user_id: 'Zoë 😀 \ud800'.padEnd(128, '.'),
      ip_address: '::ffff:203.0.113.7',
      user_agent: '\\N',
      backend: 'b'.repeat(64),
      request_id: '7feea531-ae5f-451c-9683-b89d4a9a03ca',
      error: 'reset',
    })
    const answer = await ingest(service, 'first', [full, row({ path: '/x', timestamp: ago(2 * MINUTE_MS) })])
    t.match(answer, {
      status: 202,
      body: { success: true, data: { batch_id: 'first', accepted: 2, duplicate: false } },
    })
    t.notOk(answer.body.warnings)
    const [bare, stored] = await sql`select * from ${sql(table)} order by "timestamp"`
    t.match(stored, {
      timestamp: new Date(full['timestamp'] as string),
      method: 'PROPFIND-E',
      path: '/a\tb\\.\n/ü',
      status_code: 429,
      [columns.duration]: 13,
      user_id: 'Zoë 😀 \ufffd'.padEnd(128, '.'),
      ip_address: '203.0.113.7',
      user_agent: '\\N',
      [columns.backend]: 'b'.repeat(64),
      request_id: full['request_id'],
      [columns.error]: 'reset',
      ...(table === 'request_metrics' && { rate_limited: true }),
    })
    t.match(bare, { path: '/x', [columns.duration]: null, user_id: null, ip_address: null, request_id: null })
  })
}

t.test('a batch that comes again adds nothing, also when it comes twice at the same moment', async (t) => {
  const service = await testService(t)
  t.match((await ingest(service, 'a', [row(), row()])).body.data, { accepted: 2, duplicate: false })
  t.match(await ingest(service, 'a', [row(), row()]), { status: 202, body: { data: NOTHING } })
  const twins = await Promise.all(['b', 'b', 'b', 'c'].map((id) => ingest(service, id, [row()])))
  t.same(twins.map(({ status, body }) => [status, body.data['accepted']]).sort(), [
    [202, 0],
    [202, 0],
    [202, 1],
    [202, 1],
  ])
  t.equal(await countOf(service), 4)
})

t.test('a batch that failed leaves nothing, so that its repeat is stored', async (t) => {
  const service = await testService(t)
  const { sql } = service
  await sql`alter table request_logs add check (path <> '/refused')`
  const batch = [row(), row({ path: '/refused' })]
  t.match(await ingest(service, 'a', batch), {
    status: 409,
    body: {
      code: 'TRAFFIC_TABLE_UNUSABLE',
      message: /request_logs cannot take the requests: .*check constraint/,
    },
  })
  t.equal(await countOf(service), 0)
  t.same(await sql`select from aegis_ml_touched_ranges`, [])
  await sql`alter table request_logs drop constraint request_logs_path_check`
  t.match((await ingest(service, 'a', batch)).body.data, { accepted: 2, duplicate: false })
})

t.test('a batch whose connection is cut before its end is stored once, when it comes again', async (t) => {
  const service = await testService(t)
  const { sql } = service
  const holder = await sql.reserve()
  await holder`begin`
  await holder`lock table request_logs`
  const first = ingest(service, 'a', [row()])
  const waiting = () => sql<{ pid: number }[]>`
    select pid from pg_stat_activity where query like 'copy%' and wait_event_type = 'Lock' and datname = current_database()`
  const found = await eventually(async () => {
    const rows = await waiting()
    return rows.length > 0 && rows
  })
  const second = ingest(service, 'a', [row()])
  await sql`select pg_terminate_backend(${found[0]!.pid})`
  t.match(await first, { status: 503, body: { code: 'DATABASE_UNAVAILABLE' } })
  await holder`commit`
  holder.release()
  t.match((await second).body.data, { accepted: 1 })
  t.match((await ingest(service, 'a', [row()])).body.data, NOTHING)
  t.equal(await countOf(service), 1)
})

t.test('a bad request is named with what is allowed, and nothing of its batch is stored', async (t) => {
  const service = await testService(t)
  const cases: [Row, RegExp][] = [
    [{ status_code: 99 }, /^requests\[3\]\.status_code is 99; allowed is a whole number from 100 to 599\.$/],
    [{ status_code: '200' }, /^requests\[3\]\.status_code is "200"; allowed is/],
    [{ status_code: undefined }, /^requests\[3\]\.status_code is required/],
    [
      { method: 'GET /' },
      /^requests\[3\]\.method is "GET \/"; allowed is a text of 1 to 32 characters that matches/,
    ],
    [{ path: '' }, /^requests\[3\]\.path is ""; allowed is a text of 1 to 2048/],
    [{ path: '?a=1' }, /^requests\[3\]\.path is/],
    [{ path: `/${'x'.repeat(2048)}` }, /^requests\[3\]\.path is/],
    [{ path: '/\0' }, /^requests\[3\]\.path is "\/\\u0000"; allowed is .* matches/],
    [{ user_agent: 'a\0b' }, /^requests\[3\]\.user_agent is/],
    [{ user_id: 'x'.repeat(129) }, /^requests\[3\]\.user_id is/],
    [{ backend: 'x'.repeat(65) }, /^requests\[3\]\.backend is/],
    [{ error: 'x'.repeat(2049) }, /^requests\[3\]\.error is/],
    [{ response_time_ms: -1 }, /^requests\[3\]\.response_time_ms is -1; allowed is a finite number from 0/],
    [{ response_time_ms: 1e10 }, /^requests\[3\]\.response_time_ms is 10000000000/],
    [
      { ip_address: '1.2.3.256' },
      /^requests\[3\]\.ip_address is "1\.2\.3\.256"; allowed is an IP address, such as/,
    ],
    [{ ip_address: 'localhost' }, /^requests\[3\]\.ip_address/],
    [
      { request_id: 'urn:uuid:7feea531-ae5f-451c-9683-b89d4a9a03ca' },
      /^requests\[3\]\.request_id is .* a UUID/,
    ],
    [{ timestamp: 'yesterday' }, /^requests\[3\]\.timestamp is "yesterday"; allowed is an ISO-8601 time/],
    [
      { timestamp: ago(-6 * MINUTE_MS) },
      /^requests\[3\]\.timestamp is "[^"]+"; allowed is a time from 2.*Z to 2.*Z\.$/,
    ],
    [{ timestamp: ago(90.1 * DAY_MS) }, /^requests\[3\]\.timestamp is "[^"]+"; allowed is a time from/],
  ]
  for (const [changes, message] of cases) {
    const answer = await ingest(
      service,
      'bad',
      [row(), row(), row(), row(changes), row({ path: 5 })].slice(0, 4),
    )
    t.match(
      answer,
      { status: 400, body: { code: 'INVALID_REQUEST', message } },
      JSON.stringify(changes).slice(0, 80),
    )
  }
  for (const [batch_id, message] of [
    ['', /^batch_id is ""; allowed is a text of 1 to 128 characters/],
    ['x'.repeat(129), /^batch_id is/],
    ['a\nb', /^batch_id is "a\\nb"/],
  ] as const) {
    t.match(await ingest(service, batch_id, [row()]), { status: 400, body: { message } })
  }
  t.match(await ingest(service, 'none', []), { status: 400, body: { message: /^requests is a list of 0/ } })
  t.match(await service.post('/ingest/requests'), { status: 400, body: { message: /^batch_id is required/ } })
  const many = await ingest(service, 'many', Array(10_001).fill(row()))
  t.match(many, {
    status: 400,
    body: { message: /^requests is a list of 10001; allowed is a list of 1 to 10000/ },
  })
  t.equal(await countOf(service), 0)
  t.match((await ingest(service, 'bad', [row()])).body.data, { accepted: 1 }, 'its id is free')
  t.match((await ingest(service, 'odd', [row({ colour: 'red' })])).body.warnings, [
    'Unknown field requests[].colour was ignored.',
  ])
})

t.test('every address and the edges of every range are stored', async (t) => {
  const service = await testService(t)
  const addresses = [
    '10.0.0.1',
    '::',
    '::1',
    '2001:db8::1',
    'fe80::1%eth0',
    '1:2:3:4:5:6:7::',
    '::1.2.3.4',
    '::ffff:a00:1',
  ]
  const edges = [
    { timestamp: ago(-4.9 * MINUTE_MS), status_code: 100, response_time_ms: 0 },
    { timestamp: ago(89.9 * DAY_MS), status_code: 599, response_time_ms: 1e9 },
    { method: 'x'.repeat(32), path: '/' + 'ü😀'.repeat(682), user_agent: '😀'.repeat(1024) },
    {
      path: `/${Array.from({ length: 2047 }, (_, i) => String.fromCharCode(0x4e00 + ((i * 7919) % 20_000))).join('')}`,
    },
  ]
  const rows = [...addresses.map((ip_address) => row({ ip_address })), ...edges.map(row)]
  t.match(await ingest(service, 'edges', rows), { status: 202, body: { data: { accepted: rows.length } } })
})

t.test("a gateway's own table may be narrower, and lack what is not needed", async (t) => {
  const service = await testService(t)
  const { sql } = service
  await sql`alter table request_logs alter user_agent type varchar(5), alter path type varchar(8),
    drop column backend_name, drop column created_at`
  const sent = row({ path: '/a/long/path', user_agent: 'Mozilla', backend: 'b', user_id: 'u' })
  t.match((await ingest(service, 'a', [sent])).body.data, { accepted: 1 })
  t.match(await sql`select * from request_logs`, [{ path: '/a/long/', user_agent: 'Mozil', user_id: 'u' }])
  await sql`alter table request_logs drop column status_code`
  t.match(await ingest(service, 'b', [sent]), {
    status: 409,
    body: { code: 'TRAFFIC_TABLE_UNUSABLE', message: /lacks the column status_code/ },
  })
  await sql`drop table request_logs`
  t.match(await ingest(service, 'b', [sent]), { status: 409, body: { code: 'TRAFFIC_TABLE_UNUSABLE' } })
})

t.test('NDJSON is taken too, and what is wrong in it is named by its line', async (t) => {
  const service = await testService(t)
  const line = (changes?: Row) => JSON.stringify(row(changes))
  t.match(await ingestLines(service, `\ufeff${line()}\r\n\n${line()}\n`), {
    status: 202,
    body: { data: { batch_id: 'lines', accepted: 2, duplicate: false } },
  })
  t.match((await ingestLines(service, line())).body.data, NOTHING)
  t.equal(await countOf(service), 2)
  const cases: [string, string, RegExp][] = [
    [
      `${line()}\n\n${line({ status_code: 99 })}`,
      'INVALID_REQUEST',
      /^Line 3: status_code is 99; allowed is/,
    ],
    [`${line()}\n5`, 'INVALID_REQUEST', /^Line 2 is 5; allowed is a JSON object/],
    [
      `${line()}\n${line({ timestamp: ago(91 * DAY_MS) })}`,
      'INVALID_REQUEST',
      /^Line 2: timestamp is .* a time from/,
    ],
    [`${line()}\n{"method": `, 'INVALID_JSON', /^Line 2 is not valid JSON/],
    [`{"status_code": NaN}`, 'INVALID_JSON', /^Line 1: status_code is NaN/],
    [`{"__proto__": {}}`, 'INVALID_JSON', /^Line 1 holds a key/],
    ['\n', 'INVALID_REQUEST', /^requests is a list of 0/],
    [`${line()}\n`.repeat(10_001), 'INVALID_REQUEST', /^requests is a list of 10001/],
  ]
  for (const [payload, code, message] of cases) {
    const answer = await ingestLines(service, payload, '?batch_id=bad')
    t.match(answer, { status: 400, body: { code, message } }, payload.slice(0, 80))
  }
  t.match(await ingestLines(service, line(), ''), { status: 400, body: { message: /^batch_id is required/ } })
  t.same((await ingestLines(service, line(), '?batch_id=b&c=d')).body.warnings, [
    'Unknown field c was ignored.',
  ])
  const elsewhere = await service.post('/detect', undefined, {
    payload: '{}',
    headers: { 'content-type': 'application/x-ndjson' },
  })
  t.match(elsewhere, { status: 415, body: { code: 'UNSUPPORTED_MEDIA_TYPE' } })
})
