import t from 'tap'
import { testService } from '../service.js'
import { DAY_MS, MINUTE_MS } from '../../models/traffic/durations.js'
import { ago, countOf, ingest, ingestLines, NOTHING, row, type Row } from './ingest-batch.js'

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
