import t from 'tap'
import { migrate } from '../../../db/migrate.js'
import { failingSamples, requestsOfClient, topClients } from '../../../db/traffic/incident-requests.js'
import { EndpointFolding, PLAIN_FOLDING } from '../../../models/traffic/endpoint-folding.js'
import { NO_RULES } from '../../../models/traffic/path-rules.js'
import { testDatabase } from '../../postgres.js'

const FROM = new Date('2026-03-02T12:00:00Z')
const TO = new Date('2026-03-02T12:10:00Z')
const options = { folding: PLAIN_FOLDING, ipv6Prefix: 64, signal: new AbortController().signal }

for (const table of ['request_logs', 'request_metrics'] as const) {
  t.test(`questions about ${table}`, async (t) => {
    const { sql } = await testDatabase(t)
    await migrate(sql)
    const duration = table === 'request_logs' ? 'response_time_ms' : 'duration_ms'
    const add = async (
      second: number,
      method: string,
      path: string,
      status: number,
      user: string | null,
      ip: string,
    ) =>
      sql`insert into ${sql(table)} (timestamp, method, path, status_code, ${sql(duration)}, user_id, ip_address)
      values (${new Date(FROM.getTime() + second * 1000)}, ${method}, ${path}, ${status}, ${second}, ${user}, ${ip})`
    for (let i = 0; i < 60; i++)
      await add(
        i * 10,
        'GET',
        `/orders/${i}?page=${i}`,
        i % 4 === 3 ? 503 : 200,
        i % 3 === 0 ? 'ada' : null,
        '2001:db8::' + (i + 1),
      )
    await add(5, 'POST', '/orders/7', 500, 'bob', '192.0.2.1')
    await add(6, 'GET', '/ordersummary', 500, 'bob', '192.0.2.1')
    await add(-1, 'GET', '/orders/1', 500, 'early', '192.0.2.1')
    await add(600, 'GET', '/orders/1', 500, 'late', '192.0.2.1')

    await t.test(`the busiest clients of ${table}, of all requests or of an endpoint`, async (t) => {
      const range = { from: FROM, to: TO }
      t.same(await topClients(sql, table, { ...range, endpoint: 'GET /orders/{id}' }, options), {
        clients: [
          { client: '2001:db8::/64', requests: 40, share: 40 / 60 },
          { client: 'ada', requests: 20, share: 20 / 60 },
        ],
        ...{ count: 2, requests: 60, isComplete: true },
      })
      t.match(await topClients(sql, table, { ...range, endpoint: null }, options), { count: 3, requests: 62 })
      const early = {
        from: new Date(FROM.getTime() - 3_600_000),
        to: new Date(FROM.getTime() - 60_000),
        endpoint: null,
      }
      t.same(await topClients(sql, table, early, options), {
        clients: [],
        count: 0,
        requests: 0,
        isComplete: true,
      })
    })

    await t.test(`the first and the last failed requests of ${table}`, async (t) => {
      const { first, last } = await failingSamples(
        sql,
        table,
        { from: FROM, to: TO, endpoint: 'GET /orders/{id}' },
        options,
      )
      const seconds = (samples: typeof first) =>
        samples.map(({ at }) => (at.getTime() - FROM.getTime()) / 1000)
      t.same(seconds(first), [30, 70, 110, 150, 190])
      t.same(seconds(last), [430, 470, 510, 550, 590])
      t.match(first[0], {
        method: 'GET',
        path: '/orders/3?page=3',
        status: 503,
        latencyMs: 30,
        client: 'ada',
      })
      const all = await failingSamples(sql, table, { from: FROM, to: TO, endpoint: null }, options)
      t.same(seconds(all.first), [5, 6, 30, 70, 110])
      const folding = new EndpointFolding({ ...NO_RULES, caseInsensitive: true })
      const upper = await failingSamples(
        sql,
        table,
        { from: FROM, to: TO, endpoint: 'POST /orders/{id}' },
        { folding },
      )
      t.match(upper, { first: [{ client: 'bob' }], last: [{ client: 'bob' }] })
    })

    await t.test(`how many requests of ${table} a client sent`, async (t) => {
      const count = (client: string, most = 100) =>
        requestsOfClient(sql, table, client, { from: FROM, to: TO }, { most })
      t.equal(await count('ada'), 20)
      t.equal(await count('ada', 7), 7, 'the count ends')
      t.equal(await count('2001:db8::2'), 1, 'of an address, without those of its users')
      t.equal(await count('2001:db8::/64'), null)
      t.equal(await count("nobody' or true --"), 0)
    })

    await t.test(`a question about ${table} ends in time, and the index on the time is used`, async (t) => {
      await sql.begin(async (tx) => {
        await tx`lock table ${tx(table)} in access exclusive mode`
        const range = { from: FROM, to: TO, endpoint: null }
        await t.rejects(failingSamples(sql, table, range, { ...options, maxMs: 50 }), { code: '57014' })
        t.match(await topClients(sql, table, range, { ...options, maxMs: 50 }), {
          isComplete: false,
          clients: [],
        })
      })
      await sql`insert into ${sql(table)} (timestamp, method, path, status_code, ${sql(duration)})
      select ${FROM}::timestamptz - i * interval '1 minute', 'GET', '/', 200, 1 from generate_series(1, 20000) i`
      await sql`analyze ${sql(table)}`
      const plan =
        await sql`explain select from ${sql(table)} where timestamp >= ${FROM} and timestamp < ${TO}
      and status_code >= 400 order by timestamp limit 5`
      t.match(
        plan.map((row) => row['QUERY PLAN'] as string).join('\n'),
        /Index (Only )?Scan|Bitmap Index Scan/,
      )
    })
  })
}

t.test('of a long path, the beginning is shown', async (t) => {
  const { sql } = await testDatabase(t)
  await migrate(sql)
  await sql`insert into request_logs (timestamp, method, path, status_code, response_time_ms)
    values (${FROM}, 'GET', '/long/' || repeat('a', 100000), 500, 1)`
  const { first } = await failingSamples(sql, 'request_logs', { from: FROM, to: TO, endpoint: null }, options)
  t.match(first, [{ path: /^\/long\/a+$/ }])
  t.equal(first[0]!.path!.length, 2000)
})
