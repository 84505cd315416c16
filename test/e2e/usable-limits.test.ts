import t from 'tap'
import { eventually } from '../eventually.js'
import { testService, type Service } from '../service.js'
import { runScript } from '../scripts/cli/process.js'

const RULES = { ignore: ['/health'] }

interface Found {
  readonly recommendations: { readonly endpoint: string; readonly confidence: number; readonly id?: string }[]
  readonly total: number
}

/** Two busy endpoints, a health check, thousands of paths that exist once, and a scan of paths that do not. */
async function insertTraffic({ sql }: Service): Promise<void> {
  const insert = (paths: string, count: number, status: number, client: string, hours = 72) => sql`
    insert into request_logs (timestamp, method, path, status_code, response_time_ms, user_id)
    select date_trunc('minute', now()) - interval '3 days' + n * interval '1 hour' * ${hours}::int / ${count + 1}::int, 'GET',
      ${sql.unsafe(paths)}, ${status}::int, 40, ${sql.unsafe(client)}
    from generate_series(1, ${count}::int) n`
  const letters = (number: string) => `translate((${number})::text, '0123456789', 'abcdefghij')`
  await insert(`'/api/orders'`, 9_000, 200, `'user-' || n % 60`)
  await insert(`'/api/items/' || n`, 1_000, 200, `'user-' || n % 40`)
  await insert(`'/health'`, 500, 200, `'probe'`)
  await insert(`'/junk-' || ${letters('n % 50')} || '/' || ${letters('n')}`, 3_000, 200, `'crawler-' || n`)
  await insert(`'/admin-' || ${letters('n')}`, 600, 404, `'scanner'`, 1)
}

t.test('lists, clusters and exports of limits are selected, and say when nothing is left', async (t) => {
  const service = await testService(t, { PATH_RULES: JSON.stringify(RULES) })
  const { post, get } = service
  await insertTraffic(service)
  t.match(await post('/train', { days: 6, models: ['optimizer'] }), { status: 200 })
  const all = async (body: object) => (await post('/optimize/all', body)).body.data as unknown as Found
  const endpoints = async (body: object) => (await all(body)).recommendations.map(({ endpoint }) => endpoint)

  await t.test('a path that was asked for once is no endpoint of a list or an export', async (t) => {
    t.same(await endpoints({}), ['/api/items/{id}', '/api/orders'])
    for (const format of ['nginx', 'haproxy', 'aegis', 'express']) {
      const { payload } = await service.app.inject(`/export/rate-limits?format=${format}`)
      t.notMatch(payload, /junk|admin-|health/, format)
    }
  })

  await t.test('averages are over the days that were asked for', async (t) => {
    const { profile } = (await post('/optimize', { endpoint: '/api/orders' })).body.data as {
      profile: { avg_requests_per_minute: number }
    }
    t.equal(profile.avg_requests_per_minute, 9_000 / (6 * 1440))
  })

  await t.test('by requests, confidence, prefix, status and page', async (t) => {
    t.same(await endpoints({ min_requests: 5_000 }), ['/api/orders'])
    t.same(await endpoints({ prefix: '/api/it' }), ['/api/items/{id}'])
    t.same(await endpoints({ min_confidence: 1 }), [])
    t.same(await endpoints({ status: 'named' }), ['/api/items/{id}', '/api/orders'])
    t.match(await all({ limit: 1, offset: 1 }), { recommendations: [{ endpoint: '/api/orders' }], total: 2 })
    t.same(await endpoints({ status: 'pending' }), [])
    t.match(await all({ min_requests: 5_000, save: true }), { recommendations: [{ id: String }] })
    t.same(await endpoints({ status: 'pending' }), ['/api/orders'])
    const clusters = await get('/optimize/clusters?prefix=/api/o')
    t.match(clusters.body.data, { total: 1 })
    t.same(Object.values(clusters.body.data['clusters'] as object), [['/api/orders']])
    const list = await get('/export/rate-limits?status=pending')
    t.match(list.body.data, { limits: [{ endpoint: '/api/orders' }], total: 1 })
    const profiles = await get('/export/endpoint-profiles?limit=1')
    t.match(profiles.body.data, { profiles: { '/api/items/{id}': Object }, count: 1, total: 2 })
  })

  await t.test('nothing left', async (t) => {
    const sentence = /No endpoint of the active model matches prefix "\/none"/
    const empty = { status: 200, body: { data: { total: 0 }, warnings: [sentence] } }
    t.match(await get('/export/rate-limits?prefix=/none'), empty)
    t.match(await get('/export/endpoint-profiles?prefix=/none'), empty)
    t.match(await get('/optimize/clusters?prefix=/none'), empty)
    t.match(await post('/optimize/all', { prefix: '/none' }), empty)
    t.match(await post('/optimize/all', { status: 'other' }), {
      body: {
        data: { total: 0 },
        warnings: [/in the state other have no limit of their own\. GET \/endpoints/],
      },
    })
    for (const url of ['rate-limits?format=nginx', 'endpoint-profiles?format=csv']) {
      const refused = { status: 404, body: { code: 'NO_DATA', message: sentence } }
      t.match(await get(`/export/${url}&prefix=/none`), refused, url)
    }
  })

  await t.test('bad values are refused by name', async (t) => {
    for (const [query, message] of [
      ['min_requests=-1', /^min_requests is -1; allowed/],
      ['min_confidence=2', /^min_confidence is 2; allowed is .*0 to 1/],
      ['status=new', /^status is "new"; allowed is one of named, other/],
      ['limit=0', /^limit is 0; allowed is a whole number from 1 to 1000/],
      ['offset=x', /^offset is "x"/],
    ] as const) {
      for (const path of ['/optimize/clusters', '/export/rate-limits', '/export/endpoint-profiles']) {
        const answer = await get(`${path}?${query}`)
        t.match(answer, { status: 400, body: { code: 'INVALID_REQUEST', message } }, `${path} ${query}`)
      }
    }
    t.match(await post('/optimize/all', { status: 'new' }), { status: 400 })
  })

  await t.test('an unnamed path says what it is; an attack and an ignored path get no limit', async (t) => {
    const asked = async (endpoint: string) =>
      (await post('/optimize', { endpoint, save: true, backtest: true })).body.data
    t.match(await asked('/junk-b/bab'), {
      state: 'other',
      recommended_limit: 300,
      reasoning: /known but unnamed.*PATH_RULES.*gateway-client/,
    })
    for (const [endpoint, state] of [
      ['/admin-b', 'attack'],
      ['/health', 'ignored'],
    ] as const) {
      const found = await asked(endpoint)
      t.match(found, { state, recommended_limit: null, recommended_burst: null })
      t.notOk(found['id'] ?? found['backtest'])
      t.match(found['warnings'], [/No limit is recommended|no limit is recommended/, /It was not saved/])
    }
    await service.sql`delete from aegis_ml_rollup_candidates where path = '/junk-c/bac'`
    const forgotten = { state: 'other', reasoning: /known but unnamed.* It has 1 request\./ }
    t.match(await asked('/junk-c/bac'), forgotten, 'the log knows what the summary has forgotten')
    t.match(await asked('/never'), { state: 'unknown', recommended_limit: 300 })
    const { data } = (await get('/optimize/recommendations')).body
    const saved = (data['recommendations'] as { endpoint: string }[]).map(({ endpoint }) => endpoint)
    t.notMatch(saved.join(), /admin|health/)
  })

  await t.test('the whole gateway is named, and has no method', async (t) => {
    const { data } = (await post('/optimize', { scope: 'gateway-client' })).body
    const { body } = await post('/optimize/all', { scope: 'client', limit: 1 })
    for (const found of [data, (body.data['recommendations'] as object[])[0]])
      t.match(found, { endpoint: '/**', state: 'named', profile: { method: null } })
  })

  await t.test('a backtest in the background has a job', async (t) => {
    const limited = { limit: 1, window_seconds: 86_400, scope: 'client', days: 6 }
    const begun = await post('/optimize/backtest', { ...limited, wait: false })
    t.match(begun, { status: 202, body: { data: { state: 'running', request: { limit: 1, days: 6 } } } })
    const url = `/optimize/backtest/jobs/${String(begun.body.data['id'])}`
    const { payload } = await service.app.inject(`${url}/events`)
    t.match(payload, /event: done\ndata: \{.*"progress":1.*\}\n\n$/)
    const { data } = (await get(url)).body
    const { result } = data as { result: Record<string, number> }
    t.match(data, { state: 'done', progress: 1, error: null, result: { scope: 'client', requests: 14_100 } })
    const now = (await post('/optimize/backtest', limited)).body.data
    t.equal(now['rejected'], result['rejected'], 'the same as the answer of one that is waited for')
    t.match(await service.delete(url), { status: 200, body: { data: { state: 'done' } } })
    const unknown = '/optimize/backtest/jobs/0b6a1de4-6a3e-4c0b-8f0e-3d1c4f2f7a55'
    t.match(await get(unknown), { status: 404, body: { code: 'JOB_NOT_FOUND' } })
  })

  await t.test('one that waits for the database can be stopped, and its query ends', async (t) => {
    await service.sql.begin(async (tx) => {
      await tx`lock table request_logs in access exclusive mode`
      const { id } = (await post('/optimize/backtest', { limit: 1, wait: false })).body.data
      const url = `/optimize/backtest/jobs/${String(id)}`
      // Asked outside of the transaction, which would see no connection that begins after its first look.
      const waiting = async () => {
        const found = await service.sql<{ query: string }[]>`
          select pid || ' since ' || query_start as query from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`
        return found.length > 0 && found.map(({ query }) => query)
      }
      const second = await post('/optimize/backtest', { limit: 1, wait: false })
      t.match(await post('/optimize/backtest', { limit: 1, wait: false }), {
        status: 503,
        body: { code: 'BUSY' },
      })
      t.match(await service.delete(`/optimize/backtest/jobs/${String(second.body.data['id'])}`), {
        status: 200,
      })
      const began = await eventually(waiting)
      t.match((await service.delete(url)).body.data, { stop_requested: true })
      await eventually(async () => (await get(url)).body.data['state'] === 'stopped')
      t.match((await get(url)).body.data, { error: { code: 'BACKTEST_STOPPED' }, result: null })
      await eventually(async () => {
        const still = (await waiting()) || []
        return !began.some((query) => still.includes(query))
      })
    })
  })

  await t.test('the command prints the report of a backtest', async (t) => {
    const url = await service.app.listen({ port: 0, host: '127.0.0.1' })
    const run = (...args: string[]) => runScript('aegis-ml', ['backtest', '--url', url, ...args])
    const limit = ['--scope', 'client', '--limit', '1', '--window-seconds', '86400', '--days', '6']
    const [bad, away] = await Promise.all([
      runScript('aegis-ml', ['backtest', '--burst', '5'], { env: { ML_SERVICE_PORT: new URL(url).port } }),
      run('--url', 'http://127.0.0.1:1', '--limit', '1'),
    ])
    const [text, strict] = await Promise.all([run(...limit), run('--json', '--max-rejected', '0%', ...limit)])
    const nothing = await run('--endpoint', '/never', '--limit', '1')
    t.match(text, {
      code: 0,
      stdout: /14,100 requests from .*\nRejected: [\d,]+ requests \(.* %\), of \d+ of/,
    })
    t.match(strict, { code: 1, stderr: /of the requests are rejected; allowed are 0 %/ })
    t.match(JSON.parse(strict.stdout), { scope: 'client', requests: 14_100 })
    t.match(nothing, { code: 1, stderr: /There are no requests of \/never/ })
    t.match(bad, { code: 2, stderr: /burst is given without limit/ })
    t.match(away, { code: 3, stderr: /127\.0\.0\.1:1 cannot be reached/ })
  })
})
