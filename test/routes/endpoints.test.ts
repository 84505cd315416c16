import t from 'tap'
import { DAY_MS, MINUTE_MS } from '../../models/traffic/durations.js'
import { eventually } from '../eventually.js'
import { testService, type Service } from '../service.js'

/** Whole minutes that are over, within the last day. */
const START = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - 120 * MINUTE_MS

interface Sent {
  readonly method?: string
  readonly path: string
  readonly status?: number
  readonly client?: string
  /** After the start. */
  readonly minute?: number
}

async function insert({ sql }: Service, requests: readonly Sent[]): Promise<void> {
  const rows = requests.map(({ method = 'GET', path, status = 200, client = '10.0.0.1', minute = 0 }) => ({
    timestamp: new Date(START + minute * MINUTE_MS),
    ...{ method, path, status_code: status, ip_address: client, response_time_ms: 10 },
  }))
  for (let i = 0; i < rows.length; i += 2_000)
    await sql`insert into request_logs ${sql(rows.slice(i, i + 2_000))}`
}

/** As any export, training or backtest does. */
const rollUp = ({ get }: Service) => get('/export/training-data?days=2&format=json&bucket=1d')

const times = <T>(count: number, of: (i: number) => T) => Array.from({ length: count }, (_, i) => of(i))

/** `n` requests of two clients. */
const used = (count: number, path: string, more: Partial<Sent> = {}) =>
  times(count, (i) => ({ path, client: `10.0.0.${1 + (i % 2)}`, ...more }))

interface Listed {
  readonly name: string
  readonly state: string
  readonly requests: number
}

const service = await testService(t)
const { get, post, put, delete: remove } = service
const list = async (query: string) => {
  const { body } = await get(`/endpoints?${query}`)
  return { ...(body.data as { total: number }), endpoints: body.data['endpoints'] as Listed[] }
}

await insert(service, [
  ...used(40, '/api/orders'),
  ...used(30, '/api/orders', { method: 'POST' }),
  ...used(20, '/api/items/7'),
  ...times(20, (i) => ({ path: '/api/items/8', status: i < 10 ? 500 : 404 })),
  ...used(6, '/shop/toys/bear'),
  ...used(4, '/shop/toys/car'),
  ...used(10, '/health'),
  { path: '/once' },
  ...times(25, (i) => ({ path: `/wp-${'x'.repeat(i + 1)}.php`, status: 404, client: '10.9.9.9' })),
])

t.test('the list and POST /optimize know requests that nothing has trained on yet', async (t) => {
  t.equal((await list('')).total, 32)
  const { body } = await post('/optimize', { endpoint: '/api/items/7' })
  t.match(body.data, { state: 'named', reasoning: /train/ })
})

t.test('endpoints are listed with state and figures, in the order that is asked for', async (t) => {
  const { endpoints, total } = await list('limit=3')
  t.match(endpoints, [
    { name: 'GET /api/items/{id}', method: 'GET', path: '/api/items/{id}', state: 'named', requests: 40 },
    { name: 'GET /api/orders', requests: 40, error_share: 0 },
    { name: 'POST /api/orders', requests: 30 },
  ])
  t.match(endpoints[0], { error_share: 0.5, first_seen: new Date(START).toISOString() })
  t.equal(total, 32)
  const rest = await list('limit=1000&offset=3')
  t.equal(rest.endpoints.length, 29)
  t.equal(rest.total, 32)
  t.same((await list('offset=32')).endpoints, [])
  const names = (await list('sort=name&limit=1000')).endpoints.map(({ name }) => name.split(' ')[1]!)
  t.same(names, names.toSorted())
  const worst = (await list('sort=error_share&min_requests=30')).endpoints
  t.equal(worst[0]!.name, 'GET /api/items/{id}')
})

t.test('the list is filtered by state, prefix, requests and days', async (t) => {
  const named = await list('state=named&sort=name')
  t.same(
    named.endpoints.map(({ name }) => name),
    [
      ...['GET /api/items/{id}', 'GET /api/orders', 'POST /api/orders', 'GET /health'],
      ...['GET /shop/toys/bear', 'GET /shop/toys/car'],
    ],
  )
  t.same(
    (await list('state=other')).endpoints.map(({ name }) => name),
    ['GET /once'],
  )
  const attacks = await list('state=attack&prefix=/wp-')
  t.equal(attacks.total, 25)
  t.ok(attacks.endpoints.every(({ state }) => state === 'attack'))
  t.equal((await list('prefix=/api/')).total, 3)
  t.equal((await list('prefix=%25')).total, 0, 'no wildcard')
  t.equal((await list('min_requests=40')).total, 2)
  t.equal((await list('state=ignored')).total, 0)
  await insert(service, used(5, '/old', { minute: -3 * (DAY_MS / MINUTE_MS) }))
  await get('/export/training-data?days=5&format=json&bucket=1d')
  t.equal((await list('prefix=/old&days=1')).total, 0)
})

t.test('a bad query names the field and what is allowed', async (t) => {
  for (const [query, field] of [
    ['state=lost', 'state'],
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['offset=-1', 'offset'],
    ['days=0', 'days'],
    ['days=x', 'days'],
    ['min_requests=-1', 'min_requests'],
    ['sort=random', 'sort'],
    [`prefix=${'x'.repeat(256)}`, 'prefix'],
  ] as const) {
    const { status, body } = await get(`/endpoints?${query}`)
    t.match({ status, body }, { status: 400, body: { code: 'INVALID_REQUEST', details: [{ field }] } }, query)
    t.match(body.message, /allowed is/)
  }
  t.match((await get('/endpoints?colour=red')).body.warnings, [/colour/])
})

t.test('a path that is only not found gets no limit, and nothing is saved', async (t) => {
  await insert(service, [...used(6, '/gone', { status: 404 }), ...used(3, '/fails', { status: 500 })])
  const { body } = await post('/optimize', { endpoint: '/gone', save: true })
  t.match(body.data, { state: 'other', recommended_limit: null, recommended_burst: null })
  t.match(body.data['warnings'], [/find nothing/, /not saved/])
  t.notOk(body.data['id'])
  const { data } = (await post('/optimize', { endpoint: '/fails' })).body
  t.match(data, { state: 'other', recommended_limit: 300, reasoning: /PUT \/endpoints\/rules/ })
})

t.test('an old log gives an empty list that says why, and how to see it', async (t) => {
  const old = await testService(t)
  t.notOk((await old.get('/endpoints')).body.warnings, 'without any request there is nothing to say')
  await insert(old, used(4, '/old', { minute: -4000 * (DAY_MS / MINUTE_MS) }))
  const { body } = await old.get('/endpoints')
  t.match(body.warnings, [
    /No endpoint was seen since .*; the newest request is of .* Give more days, up to 90/,
  ])
})

const RULES = { templates: ['/shop/{category}/{item}'], ignore: ['/health'] }

t.test('a preview says what rules would do, and changes nothing', async (t) => {
  const { status, body } = await post('/endpoints/preview', { rules: RULES })
  t.equal(status, 200)
  t.match(body.data, {
    complete: true,
    changed_count: 1,
    changed: [{ endpoint: 'GET /shop/{category}/{item}', requests: 10, from_count: 2 }],
    ignored: [{ endpoint: '/health', requests: 10, from: ['GET /health'] }],
  })
  t.same((await get('/endpoints/rules')).body.data, {
    ...{ source: 'none', updated_at: null, applied: true },
    rules: { templates: [], ignore: [], case_insensitive: false, trailing_slash: 'strict', host: false },
  })
  const text = 'servers:\n  - url: https://x.example/shop\npaths:\n  /{category}/{item}:\n    get: {}\n'
  const ofText = await post('/endpoints/preview', { rules: { openapi: text } })
  t.match(ofText.body.data, { changed: [{ endpoint: 'GET /shop/{category}/{item}' }] })
})

t.test('wrong rules are refused with the name of the field', async (t) => {
  for (const [rules, field] of [
    [null, 'rules'],
    ['x', 'rules'],
    [{ template: ['/a'] }, 'rules.template'],
    [{ templates: '/a' }, 'rules.templates'],
    [{ templates: ['a?b'] }, 'rules.templates'],
    [{ templates: ['/\ud800'] }, 'rules.templates'],
    [{ ignore: ['*a*a*a*a*'] }, 'rules.ignore'],
    [{ trailing_slash: 'maybe' }, 'rules.trailing_slash'],
    [{ host: 'yes' }, 'rules.host'],
    [{ openapi: {} }, 'rules.openapi'],
    [{ openapi: 'just text' }, 'rules.openapi'],
    [{ openapi: `{"paths": ${'['.repeat(100_000)}` }, 'rules.openapi'],
    [{ openapi: { paths: { [`/${'x'.repeat(300)}`]: {} } } }, 'rules.openapi'],
  ] as const) {
    for (const ask of [post.bind(null, '/endpoints/preview'), put.bind(null, '/endpoints/rules')]) {
      const { status, body } = await ask({ rules })
      t.match({ status, body }, { status: 400, body: { code: 'INVALID_REQUEST', details: [{ field }] } })
    }
  }
  t.match(await put('/endpoints/rules', {}), { status: 400, body: { details: [{ field: 'rules' }] } })
  t.match((await get('/endpoints/rules')).body.data, { source: 'none' })
})

t.test('with the rule host, the host of a request is part of its endpoint', async (t) => {
  await put('/endpoints/rules', { rules: { host: true } })
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } })
  const span = (host: string | undefined, i: number) => ({
    ...{ traceId: '0123456789abcdef0123456789abcdef', spanId: `00000000000000${10 + i}` },
    ...{ name: 'GET', kind: 2, startTimeUnixNano: `${START}000000`, endTimeUnixNano: `${START}000000` },
    attributes: [
      ...[text('http.request.method', 'GET'), text('url.path', '/hosted/7')],
      text('client.address', `192.0.2.${i}`),
      ...(host === undefined ? [] : [text('server.address', host)]),
      { key: 'http.response.status_code', value: { intValue: 200 } },
    ],
  })
  const spans = ['a.example', 'a.example', 'B.example', 'b.example', undefined, undefined].map(span)
  const sent = await service.app.inject({
    ...{ method: 'POST', url: '/v1/traces' },
    payload: { resourceSpans: [{ scopeSpans: [{ spans }] }] },
  })
  t.equal(sent.statusCode, 200)
  await rollUp(service)
  const { endpoints } = await list('sort=name&state=named')
  t.match(
    endpoints.filter(({ name }) => name.includes('hosted')),
    [
      { name: 'GET /hosted/{id}', requests: 2 },
      { name: 'GET a.example/hosted/{id}', requests: 2 },
      { name: 'GET b.example/hosted/{id}', requests: 2 },
    ],
  )
  await remove('/endpoints/rules')
  await eventually(async () => (await get('/endpoints/rules')).body.data['applied'] === true)
  t.match((await list('prefix=/hosted')).endpoints, [{ name: 'GET /hosted/{id}', requests: 6 }])
})

t.test(
  'rules that are set are followed by the history, by other replicas, and after a restart',
  async (t) => {
    const set = await put('/endpoints/rules', { rules: RULES })
    t.match(set, { status: 200, body: { data: { changed: true, source: 'stored', rules: RULES } } })
    await eventually(async () => (await get('/endpoints/rules')).body.data['applied'] === true)
    const named = (await list('state=named&sort=name&prefix=/shop')).endpoints
    t.match(named, [{ name: 'GET /shop/{category}/{item}', requests: 10 }])
    t.match((await list('state=ignored')).endpoints, [{ name: '/health', requests: 10 }])

    await insert(service, used(2, '/shop/empty/shelf', { status: 500, method: 'PUT' }))
    const declared = await post('/optimize', { endpoint: 'PUT /shop/empty/shelf' })
    t.match(declared.body.data, { state: 'other', reasoning: /rules declare the endpoint/ })
    const ignored = await post('/optimize', { endpoint: '/health' })
    t.match(ignored.body.data, { state: 'ignored', reasoning: /ignored by the path rules/ })

    const again = await put('/endpoints/rules', { rules: { ...RULES, host: false } })
    t.match(again.body.data, { changed: false, applied: true, updated_at: set.body.data['updated_at'] })

    const environment = JSON.stringify({ templates: ['/api/{thing}'] })
    const replica = await testService(t, { PATH_RULES: environment }, service)
    t.match((await replica.get('/endpoints/rules')).body.data, { source: 'stored', rules: RULES })
    await rollUp(replica)
    t.equal((await list('prefix=/shop')).total, 1, 'the stored rules come before those of PATH_RULES')

    const dropped = await replica.delete('/endpoints/rules')
    t.match(dropped.body.data, {
      changed: true,
      source: 'environment',
      rules: { templates: ['/api/{thing}'] },
    })
    await eventually(async () => (await replica.get('/endpoints/rules')).body.data['applied'] === true)
    t.match(
      (await list('prefix=/api/%7B')).endpoints.map(({ name }) => name),
      ['GET /api/{thing}', 'POST /api/{thing}'],
    )
    t.match((await remove('/endpoints/rules')).body.data, { changed: false, source: 'none' })
  },
)
