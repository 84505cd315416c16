import t from 'tap'
import { readLimits } from '../../formats/limit-files/read/read-limits.js'
import { testService, type Service } from '../service.js'

/** Three days of people who each load 19 cheap items and a dear export at a time; one guesses paths for a while. */
async function insertTraffic({ sql: database }: Service): Promise<void> {
  await database.begin(async (sql) => {
    await sql`select setseed(0.5)`
    await sql`
      insert into request_logs (timestamp, method, path, status_code, response_time_ms, user_id)
      select date_trunc('minute', now()) - (n / 20) * interval '10 minutes' - random() * interval '20 seconds', 'GET',
        case when n % 20 = 0 then '/api/exports' else '/api/items/' || n % 50 end, 200,
        case when n % 20 = 0 then 800 else 20 end, 'user-' || (n / 20) % 97
      from generate_series(20, 8019) n`
    await sql`
      insert into request_logs (timestamp, method, path, status_code, response_time_ms, user_id)
      select date_trunc('hour', now()) - interval '1 day' + n * interval '1 second', 'GET', '/guess-' || n, 404, 3, 'guesser'
      from generate_series(0, 299) n`
  })
}

t.test('limits of failures, of different paths and of costs, through the service', async (t) => {
  const service = await testService(t)
  const { post, get } = service
  const gateway = { scope: 'gateway-client', cost: 'latency_ms' }
  t.match(await post('/optimize', gateway), { status: 409, body: { code: 'MODEL_NOT_TRAINED' } })
  await insertTraffic(service)
  await post('/train')

  await t.test('a backtest says what each limit rejects', async (t) => {
    const { data } = (await post('/optimize/backtest', { scope: 'gateway-client' })).body
    t.match(data['rule'], { unit: 'requests', failures: { limit: 10, seconds: 60 }, distinct_paths: Object })
    const byLimit = data['by_limit'] as { scope: string; limit: string; rejected: number; clients: number }[]
    t.match(byLimit[0], { scope: 'gateway-client', limit: 'failures', clients: 1 })
    t.ok(byLimit[0]!.rejected >= 100, 'what follows ten failures in a minute')
    t.equal(byLimit.at(-1)!.limit, 'distinct_paths')
    t.equal(
      byLimit.reduce((sum, { rejected }) => sum + rejected, 0),
      data['rejected'],
    )
  })

  await t.test('a limit in milliseconds, with its weights', async (t) => {
    const { data } = (await post('/optimize', { ...gateway, backtest: true })).body
    t.match(data, { endpoint: '/**', unit: 'latency_ms', current_limit: null, backtest: { requests: 8300 } })
    t.same(data['weights'], [
      { endpoint: '/api/exports', weight: 800 },
      { endpoint: '/api/items/{id}', weight: 20 },
    ])
    t.equal(data['default_weight'], 3, 'that of the paths without a name')
    t.ok((data['recommended_limit'] as number) >= 800, 'an export passes')
    const of = async (cost: string) =>
      (await post('/optimize', { scope: 'client', cost, endpoint: '/api/items/1' })).body.data
    const [inRequests, inMs] = [await of('requests'), await of('latency_ms')]
    t.match(inRequests, { unit: 'requests', weights: undefined })
    t.match(inMs, {
      recommended_limit: 20 * (inRequests['recommended_limit'] as number),
      ...{ unit: 'latency_ms', weights: [{ endpoint: '/api/items/{id}', weight: 20 }], default_weight: 20 },
    })
    const never = (await post('/optimize', { scope: 'client', cost: 'latency_ms', endpoint: '/never' })).body
      .data
    t.match(never, { unit: 'requests', recommended_limit: 300 })
    t.match((never['warnings'] as string[]).at(-1), /This limit counts requests/)
  })

  await t.test(
    'all limits are replayed by cost, and a limit of an endpoint rejects as in requests',
    async (t) => {
      const rejected = async (body: object) =>
        (await post('/optimize/backtest', { scope: 'client', endpoint: '/api/items/1', ...body })).body.data[
          'rejected'
        ]
      t.equal(
        await rejected({ cost: 'latency_ms', limit: 40, burst: 40 }),
        await rejected({ limit: 2, burst: 2 }),
        'a request of it costs 20',
      )
      t.equal(
        await rejected({ cost: 'latency_ms', limit: 799, endpoint: '/api/exports' }),
        400,
        'each costs more than the limit',
      )
      const all = (await post('/optimize/backtest', { scope: 'client', cost: 'latency_ms' })).body.data
      t.match(all, { requests: 8300, by_limit: [{ scope: 'gateway-client', limit: 'failures', clients: 1 }] })
      const { data } = (await post('/optimize/all', { scope: 'client', cost: 'latency_ms', backtest: true }))
        .body
      const [whole] = data['recommendations'] as { backtest: { rejected: number } }[]
      t.equal(whole!.backtest.rejected, all['rejected'])
      const strict = {
        ...{ scope: 'client', cost: 'latency_ms', backtest: true },
        tier: 'free',
        strategy: 'conservative',
      }
      const page = (await post('/optimize/all', { ...strict, offset: 1 })).body.data['recommendations'] as {
        endpoint: string
        backtest: { rejected: number }
      }[]
      for (const { endpoint, backtest } of page) {
        const alone = (await post('/optimize', { ...strict, endpoint })).body.data['backtest'] as object
        t.match(
          alone,
          { rejected: backtest.rejected },
          `${endpoint} costs the same on a page without the gateway`,
        )
      }
    },
  )

  await t.test('files that can express costs have them, and the others are refused', async (t) => {
    const query = '/export/rate-limits?cost=latency_ms&scope=client'
    const json = (await get(`${query}&format=json`)).body
    const [first, second] = json.data['limits'] as Record<string, unknown>[]
    t.match(first, { unit: 'latency_ms', cost_per_minute: Number, default_weight: 3, policy: '' })
    t.notOk('requests_per_minute' in first!)
    t.match(second, { path: '/api/exports', weights: [{ weight: 800 }] })
    const aegis = await service.app.inject(`${query}&format=aegis`)
    t.match(aegis.body, /unit: latency_ms\n {4}cost_per_minute: \d+/)
    const request = { timeMs: 0, method: 'GET', target: '/api/exports', path: '/api/exports', user: 'ann' }
    for (const text of [aegis.body, JSON.stringify(json)]) {
      const limits = readLimits(text).limitsOf({ ...request, address: '', agent: '' })
      t.equal(limits.at(-1)!.cost, 800)
    }
    for (const format of ['nginx', 'envoy', 'headers']) {
      t.match(await get(`${query}&format=${format}`), {
        status: 400,
        body: { message: new RegExp(`^cost is latency_ms, but ${format} counts requests; .* json, aegis`) },
      })
    }
  })

  await t.test('costs where they cannot be had are refused by name', async (t) => {
    for (const [path, body, message] of [
      [
        '/optimize',
        { cost: 'latency_ms', endpoint: '/api/exports' },
        /^cost is latency_ms with scope endpoint/,
      ],
      ['/optimize', { ...gateway, save: true }, /^save is true with cost latency_ms/],
      ['/optimize/all', { ...gateway, save: true }, /^save is true/],
      ['/optimize', { ...gateway, current_limit: 60 }, /^current_limit is given with cost/],
      ['/optimize/backtest', { cost: 'latency_ms' }, /^cost is latency_ms with scope endpoint/],
      ['/optimize', { ...gateway, cost: 'bytes' }, /^cost is "bytes"; allowed is/],
    ] as const) {
      t.match(await post(path, body), { status: 400, body: { code: 'INVALID_REQUEST', message } })
    }
  })
})
