import t from 'tap'
import { testService, type Service } from '../service.js'

/** Three days of a gateway: people read, few write, and one program floods for a quarter of an hour. */
async function insertTraffic({ sql: database }: Service): Promise<void> {
  await database.begin(async (sql) => {
    await sql`select setseed(0.5)`
    await sql`
      insert into request_logs (timestamp, method, path, status_code, response_time_ms, user_id)
      select date_trunc('minute', now()) - random() * interval '3 days', 'GET', '/api/items/' || n % 50,
        case when n % 50 = 0 then 500 else 200 end, 40, 'user-' || n % 200
      from generate_series(1, 20000) n`
    await sql`
      insert into request_logs (timestamp, method, path, status_code, response_time_ms, user_id)
      select date_trunc('minute', now()) - random() * interval '3 days', 'POST', '/api/items/' || n % 50, 201, 90,
        'user-' || n % 200
      from generate_series(1, 2000) n`
    await sql`
      insert into request_logs (timestamp, method, path, status_code, response_time_ms, user_id)
      select date_trunc('minute', now()) - interval '1 day' - random() * interval '15 minutes', 'GET',
        '/api/items/' || n % 50, 200, 40, 'flood'
      from generate_series(1, 9000) n`
  })
}

t.test('limits are learned, recommended, replayed, kept and applied', async (t) => {
  const service = await testService(t)
  const { post, get, sql } = service
  t.match(await post('/optimize', { endpoint: '/api/items/7' }), {
    status: 200,
    body: {
      data: {
        endpoint: '/api/items/{id}',
        recommended_limit: 300,
        recommended_burst: 450,
        confidence: 0.3,
        profile: null,
      },
    },
  })
  t.match(await post('/optimize/all'), { status: 409, body: { code: 'MODEL_NOT_TRAINED' } })

  await insertTraffic(service)
  const { body: trained } = await post('/train', { days: 7 })
  t.match(trained.data, {
    anomaly_detector: { trained: true },
    rate_optimizer: { trained: true, endpoints: 1, requests: 31_000 },
  })
  const versions = Object.values(trained.data as Record<string, { version: string }>).map(
    ({ version }) => version,
  )
  t.equal(new Set(versions).size, 1, 'one version for the run')
  t.match((await get('/health')).body.data, {
    models: { rate_optimizer: { loaded: true, version: versions[0] } },
  })

  await t.test('a raw path and a method find their profile', async (t) => {
    const all = (await post('/optimize', { endpoint: '/api/items/7' })).body.data
    t.match(all, {
      endpoint: '/api/items/{id}',
      scope: 'endpoint',
      profile: { method: 'GET', total_requests: 31_000 },
    })
    t.match((all as { profile: object }).profile, { unique_users: 201, error_rate: 400 / 31_000 })
    const written = (await post('/optimize', { endpoint: 'post /api/items/8' })).body.data
    t.match(written, {
      endpoint: 'POST /api/items/{id}',
      profile: { endpoint: '/api/items/{id}', method: 'POST', total_requests: 2000, unique_users: 200 },
    })
  })

  await t.test('the limit of one client is not raised by the flood, and stops it', async (t) => {
    const { data } = (await post('/optimize', { endpoint: '/api/items/7', scope: 'client', backtest: true }))
      .body
    t.match(data, { scope: 'client', runaway_names: ['flood'], clients: 201 })
    const { recommended_limit, backtest } = data as {
      recommended_limit: number
      backtest: { requests: number; rejected: number; clients_affected: number }
    }
    t.ok(recommended_limit < 60, `${recommended_limit}`)
    t.equal(backtest.requests, 31_000)
    t.ok(backtest.rejected > 8000 && backtest.rejected < 9000, `${backtest.rejected}`)
    t.equal(backtest.clients_affected, 1)
  })

  await t.test('all endpoints, by template and by method, and their clusters', async (t) => {
    const templates = (await post('/optimize/all', { tier: 'premium' })).body.data
    t.match(templates, { recommendations: [{ tier: 'premium' }], summary: { total_endpoints: 1 } })
    const methods = (await post('/optimize/all', { by_method: true, backtest: true })).body.data
    t.match(methods, {
      recommendations: [
        { endpoint: 'GET /api/items/{id}', backtest: { requests: 29_000, clients: null } },
        { endpoint: 'POST /api/items/{id}', backtest: { requests: 2000 } },
      ],
    })
    const clusters = (await get('/optimize/clusters?n_clusters=50&by_method=true')).body.data as {
      clusters: Record<string, string[]>
    }
    t.same(Object.values(clusters.clusters).flat().sort(), ['GET /api/items/{id}', 'POST /api/items/{id}'])
    t.equal((await get('/optimize/clusters?n_clusters=0')).status, 400)
    const many = await get('/optimize/clusters?n_clusters=51&by_method=true')
    t.match(many, { status: 200, body: { warnings: [/n_clusters/] } })
    t.same(many.body.data, clusters, 'more clusters than endpoints are as many as there are endpoints')
  })

  await t.test('a limit of each client over the whole gateway', async (t) => {
    const scope = 'gateway-client'
    const { data } = (await post('/optimize', { scope, backtest: true, save: true })).body
    t.match(data, { endpoint: '/**', scope, clients: 201, runaway_names: ['flood'], exceptions: [] })
    t.match(data, { failures: { seconds: 60 }, backtest: { requests: 31_000 }, id: String })
    const applied = await post(`/optimize/recommendations/${String(data['id'])}/apply`)
    t.match(applied.body.data, { endpoint: '/**', scope, status: 'applied', exceptions: [] })
    const again = (await post('/optimize', { scope, endpoint: '/**' })).body.data
    t.match(again, { current_limit: data['recommended_limit'] })
    await sql`delete from rate_limit_rules`
    const all = (await post('/optimize/all', { scope })).body.data
    t.match(all, { recommendations: [{ endpoint: '/**' }], summary: { total_endpoints: 0 } })
    const replayed = (await post('/optimize/backtest', { scope })).body.data
    t.match(replayed, {
      endpoint: '/**',
      scope,
      requests: 31_000,
      rule: { limit: data['recommended_limit'] },
    })
    t.equal(replayed['rejected'], replayed['rejected_by_gateway'])
    for (const [body, message] of [
      [{ scope, endpoint: '/a' }, /^endpoint is given with scope gateway-client; allowed is none/],
      [{ scope: 'client' }, /^endpoint is required/],
    ] as const) {
      t.match(await post('/optimize', body), { status: 400, body: { message } })
    }
  })

  await t.test('a given limit is replayed exactly', async (t) => {
    const { body } = await post('/optimize/backtest', {
      ...{ endpoint: 'GET /api/items/{id}', limit: 100, window_seconds: 60, algorithm: 'fixed_window' },
    })
    const [counted] = await sql<{ rejected: number }[]>`
      select sum(greatest(0, n - 100))::int as rejected from (
        select count(*) as n from request_logs where method = 'GET' and timestamp < date_trunc('minute', now())
        group by date_trunc('minute', timestamp)) minutes`
    t.equal(body.data['requests'], 29_000)
    t.equal(body.data['rejected'], counted!.rejected)
    t.match(body.data, {
      peak_admitted: { requests: Number },
      by_endpoint: [{ endpoint: 'GET /api/items/{id}' }],
    })
    const everything = (await post('/optimize/backtest', { limit: 1_000_000, scope: 'client' })).body.data
    t.match(everything, {
      requests: 31_000,
      rejected: 0,
      clients: 201,
      by_endpoint: [{ endpoint: '/api/items/{id}' }],
    })
    t.match((await post('/optimize/backtest')).body.data, { rule: null, requests: 31_000 })
  })

  await t.test('what is asked for wrongly is refused by name', async (t) => {
    for (const [body, message] of [
      [{ limit: 0 }, /^limit is 0; allowed is a whole number from 1 to 1000000/],
      [{ limit: 1, burst: 0 }, /^burst is 0/],
      [{ burst: 5 }, /^burst is given without limit/],
      [{ from: '2026-02-01T00:00Z', to: '2026-01-01T00:00Z' }, /^from is /],
      [{ from: '2025-01-01T00:00Z' }, /^from is .*at most 90 days/],
    ] as const) {
      const answer = await post('/optimize/backtest', body)
      t.match(answer, { status: 400, body: { code: 'INVALID_REQUEST', message } })
    }
    t.match(await post('/optimize', { endpoint: 'a\0b' }), { status: 400 })
    t.match(await post('/optimize', { endpoint: `GET /${'é'.repeat(2000)}`, save: true }), { status: 200 })
  })

  await t.test('recommendations are kept until somebody decides', async (t) => {
    const keep = async () =>
      (await post('/optimize', { endpoint: '/api/items/1', tier: 'basic', save: true })).body.data as {
        id: string
        recommended_limit: number
        recommended_burst: number
      }
    const first = await keep()
    const second = await keep()
    const list = async (query: string) => (await get(`/optimize/recommendations?${query}`)).body.data
    t.match(await list('status=expired'), { recommendations: [{ id: first.id }], total: 1 })
    t.match(await list('status=pending&endpoint=/api/items/%7Bid%7D'), {
      recommendations: [{ id: second.id }],
    })
    t.match(await post(`/optimize/recommendations/${first.id}/apply`), {
      status: 409,
      body: { code: 'RECOMMENDATION_CLOSED' },
    })
    t.match(await post(`/optimize/recommendations/${second.id}/apply`, { applied_by: 'ops' }), {
      status: 200,
      body: { data: { status: 'applied', applied_by: 'ops' } },
    })
    t.equal((await post(`/optimize/recommendations/${second.id}/apply`)).status, 409)
    t.same(
      await sql`select endpoint_pattern, tier, requests_per_minute, burst_size, enabled from rate_limit_rules`,
      [
        {
          endpoint_pattern: '/api/items/{id}',
          tier: 'basic',
          requests_per_minute: second.recommended_limit,
          burst_size: second.recommended_burst,
          enabled: true,
        },
      ],
    )
    const again = await post('/optimize', { endpoint: '/api/items/1', tier: 'basic', save: true })
    t.match(again.body.data, { current_limit: second.recommended_limit })
    const { id } = again.body.data as { id: string }
    t.match(await post(`/optimize/recommendations/${id}/reject`, { reason: 'a launch' }), {
      status: 200,
      body: { data: { status: 'rejected', rejection_reason: 'a launch' } },
    })
    t.match(await post('/optimize/recommendations/nobody/reject'), {
      status: 404,
      body: { code: 'RECOMMENDATION_NOT_FOUND' },
    })
    await sql`drop table rate_limit_recommendations`
    t.match(await get('/optimize/recommendations'), { status: 409, body: { code: 'GATEWAY_TABLE_UNUSABLE' } })
  })

  await t.test('reset, loaded again and activated by version', async (t) => {
    await post('/model/reset')
    t.match((await get('/model/info')).body.data, { anomaly_detector: null, rate_optimizer: null })
    const loaded = (await post('/model/load', { models: ['optimizer'] })).body.data
    t.strictSame(loaded, { rate_optimizer: { loaded: true, trained: true, version: versions[0] } })
    const activated = await post('/model/activate', { model: 'optimizer', version: versions[0] })
    t.match(activated, { status: 200, body: { data: { model: 'optimizer' } } })
    t.match((await get('/model/versions')).body.data, {
      rate_optimizer: [{ active: true, training_samples: 31_000 }],
    })
  })
})

/** Requests of some users on a path, spread over the day before. */
function insertRequests({ sql }: Service, path: string, count: number, user: string | null) {
  return sql`
    insert into request_logs (timestamp, method, path, status_code, response_time_ms, user_id)
    select date_trunc('minute', now()) - n * interval '1 day' / ${count}::int, 'GET', ${path}, 200, 40, ${user}
    from generate_series(1, ${count}::int) n`
}

t.test('each endpoint has a backtest of its own, beside endpoints without known clients', async (t) => {
  const service = await testService(t)
  for (const [path, count, user] of [
    ['/a', 300, 'ann'],
    ['/b-nobody', 200, null],
    ['/c', 2000, 'ann'],
    ['/d', 500, 'bob'],
  ] as const) {
    await insertRequests(service, path, count, user)
  }
  await service.post('/train')
  const { data } = (await service.post('/optimize/all', { scope: 'client', backtest: true })).body
  const found = data['recommendations'] as {
    endpoint: string
    scope: string
    backtest?: { requests: number }
  }[]
  t.same(Object.fromEntries(found.map(({ endpoint, backtest }) => [endpoint, backtest?.requests])), {
    '/**': 3000,
    '/a': 300,
    '/b-nobody': undefined,
    '/c': 2000,
    '/d': 500,
  })
})

t.test('a path that is too long to be kept keeps no other from it', async (t) => {
  const service = await testService(t)
  const long = `/${Array(51).fill('word').join('/')}`
  await insertRequests(service, long, 30, 'ann')
  await insertRequests(service, '/short', 30, 'ann')
  await service.post('/train')
  const { data } = (await service.post('/optimize/all', { save: true, by_method: true })).body
  t.match(data['recommendations'], [
    { endpoint: 'GET /short', id: String },
    { endpoint: `GET ${long}`, id: undefined, warnings: [/fewer/, /^It was not kept: endpoint is longer/] },
  ])
  t.match(await service.post('/optimize', { endpoint: `GET ${long}`, save: true }), {
    status: 400,
    body: { message: /^endpoint is longer than 255/ },
  })
})

t.test('what is kept of a limit of clients has its scope and its longer window', async (t) => {
  const service = await testService(t)
  // Short visits: an hour at the limit of a minute would be far more than anybody does.
  await service.sql`
    insert into request_logs (timestamp, method, path, status_code, response_time_ms, user_id)
    select date_trunc('hour', now()) - visit * interval '1 hour' - user_no * interval '13 seconds'
        - n * interval '1 second', 'GET', '/shop', 200, 40, 'user-' || user_no
    from generate_series(1, 60) user_no, generate_series(2, 72, 7) visit, generate_series(1, 20) n`
  await service.post('/train')
  const asked = { endpoint: '/shop', scope: 'client', save: true }
  const { data } = (await service.post('/optimize', asked)).body
  t.match(data, { long_window: { seconds: 3600, limit: Number } })
  const list = (await service.get('/optimize/recommendations')).body.data
  const [kept] = list['recommendations'] as { warnings: string[] }[]
  const expected = { scope: 'client', long_window: data['long_window'], profile: { endpoint: '/shop' } }
  t.match(kept, expected)
  t.match(kept!.warnings.at(-1), /rate_limit_rules has no place for the longer window/)
  await service.post('/optimize', { endpoint: '/never-seen', save: true })
  const unseen = (await service.get('/optimize/recommendations?endpoint=/never-seen')).body.data
  t.match(unseen['recommendations'], [{ scope: 'endpoint', long_window: null, profile: null }])
})
