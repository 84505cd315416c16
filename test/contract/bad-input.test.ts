import { connect } from 'node:net'
import t from 'tap'
import { trainOnSynthetic, USUAL, USUAL_MONDAY, type Answer } from '../service.js'
import { contractService } from './contract-service.js'

const service = await contractService(t)
await trainOnSynthetic(service)

t.test('bad input is refused with a message that names the field and what is allowed', async (t) => {
  const { ask, post, get } = service
  const detect = (changes: object) => post('/detect', { ...USUAL, ...changes })
  const raw = (url: string, payload: string, type = 'application/json') =>
    post(url, undefined, { payload, headers: { 'content-type': type } })
  const withoutMean: Partial<typeof USUAL> = { ...USUAL }
  delete withoutMean.avg_latency_ms
  const usualText = JSON.stringify(USUAL)
  const batch = (count: number) => post('/detect/batch', { metrics: Array(count).fill(USUAL) })

  const cases: [string, () => Promise<Answer>, number, string, RegExp][] = [
    [
      'a missing field',
      () => post('/detect', withoutMean),
      400,
      'INVALID_REQUEST',
      /^avg_latency_ms is required; allowed is a finite number from 0 to 1000000000000\.$/,
    ],
    ['no body', () => post('/detect'), 400, 'INVALID_REQUEST', /^requests_per_second is required/],
    [
      'a text for a number',
      () => detect({ avg_latency_ms: '5' }),
      400,
      'INVALID_REQUEST',
      /^avg_latency_ms is "5"; allowed is a finite number from 0 to 1000000000000/,
    ],
    [
      'null for a number',
      () => detect({ avg_latency_ms: null }),
      400,
      'INVALID_REQUEST',
      /^avg_latency_ms is null; allowed/,
    ],
    [
      'NaN',
      () => raw('/detect', usualText.replace('45', 'NaN')),
      400,
      'INVALID_JSON',
      /^avg_latency_ms is NaN.*finite number/,
    ],
    [
      '-Infinity',
      () => raw('/detect', usualText.replace('45', '-Infinity')),
      400,
      'INVALID_JSON',
      /^avg_latency_ms is -Infinity/,
    ],
    [
      '1e999',
      () => raw('/detect', usualText.replace('45', '1e999')),
      400,
      'INVALID_REQUEST',
      /^avg_latency_ms is Infinity; allowed is a finite number/,
    ],
    [
      'a negative rate',
      () => detect({ requests_per_second: -1 }),
      400,
      'INVALID_REQUEST',
      /^requests_per_second is -1; allowed is a finite number from 0 to 1000000000000/,
    ],
    [
      'an error rate of 1.5',
      () => detect({ error_rate: 1.5 }),
      400,
      'INVALID_REQUEST',
      /^error_rate is 1\.5; allowed is a finite number from 0 to 1/,
    ],
    [
      'a timestamp that is none',
      () => detect({ timestamp: 'yesterday' }),
      400,
      'INVALID_REQUEST',
      /^timestamp is "yesterday"; allowed is an ISO-8601 time/,
    ],
    [
      'a leap second',
      () => detect({ timestamp: '2016-12-31T23:59:60Z' }),
      400,
      'INVALID_REQUEST',
      /^timestamp is "2016-12-31T23:59:60Z"; allowed is an ISO-8601 time/,
    ],
    [
      'an interval of nothing',
      () => detect({ interval_seconds: 0 }),
      400,
      'INVALID_REQUEST',
      /^interval_seconds is 0; allowed is a finite number above 0, up to 86400/,
    ],
    [
      'an empty source',
      () => detect({ source: '' }),
      400,
      'INVALID_REQUEST',
      /^source is ""; allowed is a text of 1 to 128 characters/,
    ],
    ...['a\u0000b', 'a\nb', '\ud800'].map((source): (typeof cases)[number] => [
      'a source with what no name has',
      () => detect({ source }),
      400,
      'INVALID_REQUEST',
      /^source is ".*allowed is a text of 1 to 128 characters without control characters/,
    ]),
    [
      'a list for an object',
      () => raw('/detect', '[]'),
      400,
      'INVALID_REQUEST',
      /^The body is a list of 0; allowed is a JSON object/,
    ],
    [
      'null for an object',
      () => raw('/detect', 'null'),
      400,
      'INVALID_REQUEST',
      /^The body is null; allowed is a JSON object/,
    ],
    [
      '10,001 rows',
      () => batch(10_001),
      400,
      'INVALID_REQUEST',
      /^metrics is a list of 10001; allowed is a list of 0 to 10000 entries/,
    ],
    [
      'a bad row in a batch',
      () => post('/detect/batch', { metrics: [USUAL, { ...USUAL, error_rate: 2 }] }),
      400,
      'INVALID_REQUEST',
      /^metrics\[1\]\.error_rate is 2; allowed is a finite number from 0 to 1/,
    ],
    [
      'a model that is no text',
      () => post('/train', { models: [5] }),
      400,
      'INVALID_REQUEST',
      /^models\[0\] is 5; allowed is /,
    ],
    [
      'no days',
      () => post('/train', { days: 0 }),
      400,
      'INVALID_REQUEST',
      /^days is 0; allowed is a whole number from 1 to 3650/,
    ],
    [
      'half a day',
      () => post('/train', { days: 0.5 }),
      400,
      'INVALID_REQUEST',
      /^days is 0\.5; allowed is a whole number/,
    ],
    [
      'a contamination of 0',
      () => post('/train', { contamination: 0 }),
      400,
      'INVALID_REQUEST',
      /^contamination is 0; allowed is a finite number above 0, up to 0\.5/,
    ],
    [
      'a thousand million hours',
      () => post('/generate/synthetic', { duration_hours: 1e9 }),
      400,
      'INVALID_REQUEST',
      /^duration_hours is 1000000000; allowed/,
    ],
    [
      'invalid JSON',
      () => raw('/detect', '{"requests_per_second": 50,'),
      400,
      'INVALID_JSON',
      /^The body is not valid JSON/,
    ],
    [
      'a __proto__ key',
      () => raw('/detect', usualText.replace('{', '{"__proto__": {"admin": true},')),
      400,
      'INVALID_JSON',
      /__proto__/,
    ],
    [
      'a constructor key',
      () => raw('/detect', usualText.replace('{', '{"constructor": {"prototype": {}},')),
      400,
      'INVALID_JSON',
      /constructor/,
    ],
    [
      'a wrong content type',
      () => raw('/detect', 'requests_per_second=50', 'application/x-www-form-urlencoded'),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      /x-www-form-urlencoded is not supported; send application\/json/,
    ],
    [
      'a body of 20 MiB',
      () => raw('/detect', `{"source": "${'x'.repeat(20 * 2 ** 20)}"}`),
      413,
      'BODY_TOO_LARGE',
      /16 KiB are allowed/,
    ],
    ['an unknown route', () => get('/nothing'), 404, 'NOT_FOUND', /^There is no \/nothing here/],
    [
      'a wrong method',
      () => get('/detect'),
      405,
      'METHOD_NOT_ALLOWED',
      /^GET is not allowed on \/detect; allowed is POST/,
    ],
    ['a broken address', () => get('/%zz'), 400, 'INVALID_REQUEST', /./],
    [
      'a query that is too long',
      () => get(`/detect/trend?source=${'x'.repeat(200)}`),
      400,
      'INVALID_REQUEST',
      /^source is ".*allowed is a text of 1 to 128 characters/,
    ],
  ]
  for (const [name, send, status, code, message] of cases) {
    const answer = await send()
    t.match(answer, { status, body: { success: false, error: true, code, message } }, name)
    t.equal(Object.keys(answer.body).length, 7, `${name}: no other fields`)
    t.notMatch(JSON.stringify(answer.body), /node_modules|\.js:\d/, `${name}: no stack`)
  }
  t.match(await post('/detect', USUAL_MONDAY), { status: 200, body: { data: { anomaly: false } } })
  t.equal((await ask({ method: 'PUT', url: '/detect' })).headers['allow'], 'POST')
})

t.test('times are taken in every form of ISO-8601 that old callers send', async (t) => {
  const noon = '2026-01-31T12:00:00.000Z'
  const forms = [
    '12:00',
    '12:00:00',
    '12:00:00.000000',
    '12:00Z',
    '12:00:00Z',
    '13:00:00+01:00',
    '13:00+0100',
    '11:00:00-01',
  ]
  for (const [index, form] of forms.entries()) {
    const { body } = await service.post('/detect', {
      ...USUAL,
      timestamp: `2026-01-31T${form}`,
      source: `${index}`,
    })
    t.equal(body.data['timestamp'], noon, form)
  }
  for (const form of ['2026-02-31T12:00Z', '2026-13-01T12:00Z', '12:00', '2026-01-31T12', 'now']) {
    t.equal((await service.post('/detect', { ...USUAL, timestamp: form })).status, 400, form)
  }
})

t.test('times beyond those of the database, and infinite numbers of a query, are refused', async (t) => {
  const { get } = service
  const refused = [
    ['deployments', 'from', '0000-01-01T00:00Z'],
    ['deployments', 'to', '9999-12-31T23:59-01:00'],
    ['incidents', 'to', '0001-01-01T00:00%2B01:00'],
    ['timeline', 'to', '0000-12-31'],
    ...['Infinity', '1e999'].flatMap((limit) => [
      ['feedback', 'limit', limit],
      ['sources', 'offset', limit],
      ['optimize/clusters', 'n_clusters', limit],
    ]),
  ]
  for (const [route, field, value] of refused) {
    const answer = await get(`/${route}?${field}=${value}`)
    const message = new RegExp(`^${field} is .*; allowed is `)
    t.match(answer, { status: 400, body: { code: 'INVALID_REQUEST', message } }, `${route} ${value}`)
  }
  for (const query of [
    'to=0001-01-01T00:00:01Z&step=1d',
    'from=9999-12-31&to=9999-12-31T23:59:59Z&step=1d',
  ]) {
    t.match(await get(`/timeline?${query}`), { status: 200, body: { data: { points: [] } } }, query)
  }
})

t.test('what is no HTTP request is answered in the envelope too', async (t) => {
  const { host, port } = await service.address()
  const cases: [string, number, string][] = [
    ['RUBBISH\r\n\r\n', 400, 'INVALID_REQUEST'],
    ['FETCH /detect HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'INVALID_REQUEST'],
    [`GET /health HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
  ]
  for (const [request, status, code] of cases) {
    const socket = connect(port, host)
    socket.end(request)
    const chunks: Buffer[] = await socket.toArray()
    const [head, body] = Buffer.concat(chunks).toString().split('\r\n\r\n') as [string, string]
    t.match(head, new RegExp(`^HTTP/1.1 ${status} `))
    t.match(JSON.parse(body), { success: false, error: true, code, message: String })
  }
})

t.test('unknown fields are ignored and named', async (t) => {
  const { post, get } = service
  const single = await post('/detect', { ...USUAL, gateway: 'a', status_2xx: 5 })
  t.match(single, { status: 200, body: { warnings: ['Unknown field gateway was ignored.'] } })
  const batch = await post('/detect/batch', {
    metrics: [
      { ...USUAL, a: 1 },
      { ...USUAL, a: 2 },
    ],
    b: 3,
  })
  t.same(batch.body.warnings, ['Unknown field metrics[].a was ignored.', 'Unknown field b was ignored.'])
  t.match((await get('/detect/trend?when=now')).body.warnings, ['Unknown field when was ignored.'])
  t.same((await post('/train/synthetic', { foo: 1 })).body.warnings, ['Unknown field foo was ignored.'])
  t.same((await get('/health?foo=1')).body.warnings, ['Unknown field foo was ignored.'])
  t.notOk((await post('/detect', USUAL)).body.warnings)
})

t.test('an empty body is an empty object, with or without a content type', async (t) => {
  const { ask } = service
  for (const type of [undefined, 'application/json', 'application/x-www-form-urlencoded', 'text/plain']) {
    const headers = type === undefined ? {} : { 'content-type': type, 'content-length': '0' }
    const response = await ask({ method: 'POST', url: '/model/reset', headers })
    t.equal(response.statusCode, 200, `${type}: ${response.body}`)
  }
})
