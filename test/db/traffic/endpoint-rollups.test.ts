import type { Sql } from 'postgres'
import t from 'tap'
import { readFolding } from '../../../db/traffic/endpoint-folding.js'
import { findWithoutProfile, listEndpoints } from '../../../db/traffic/endpoint-list.js'
import { endpointRollups } from '../../../db/traffic/profiles.js'
import { NamedEndpoints } from '../../../db/traffic/rollups/named-endpoints.js'
import { createScratch } from '../../../db/traffic/rollups/scratch.js'
import { LatencyHistogram } from '../../../models/statistics/latency-histogram.js'
import { NO_RULES } from '../../../models/traffic/path-rules.js'
import { pathTemplate } from '../../../models/traffic/path-template.js'
import { testDatabase } from '../../postgres.js'
import {
  everything,
  insertTraffic,
  migrated,
  minutesAfterStart,
  namedPaths,
  neverAborted,
  oddTraffic,
  plain,
  START,
  update,
  word,
  type TrafficRow,
} from './traffic-rows.js'

/** Groups rows as a rollup should, without SQL. */
function groupBy<T>(rows: readonly T[], key: (row: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const row of rows) groups.set(key(row), [...(groups.get(key(row)) ?? []), row])
  return groups
}

const floor = (time: Date, ms: number) => new Date(Math.floor(time.getTime() / ms) * ms).toISOString()
const methodOf = ({ method }: TrafficRow) => (method ?? '').toUpperCase()
const templateOf = ({ path }: TrafficRow) => pathTemplate(path ?? '')

t.test('minutes of endpoints count the rows of their template and method', async (t) => {
  for (const table of ['request_logs', 'request_metrics'] as const) {
    const sql = await migrated((await testDatabase(t)).sql)
    const rows = oddTraffic(3000, 60, 31)
    await insertTraffic(sql, table, rows)
    await update(sql, { table })
    const { endpoints } = await everything(sql, table)
    const groups = groupBy(rows, (row) =>
      [floor(row.timestamp, 60_000), methodOf(row), templateOf(row)].join(),
    )
    t.equal(endpoints.length, groups.size)
    t.ok(groups.size > 100)
    const wrong = endpoints.filter((found) => {
      const group = groups.get([found['minute'].toISOString(), found['method'], found['path']].join()) ?? []
      const latencies = group.map(({ duration }) => duration).filter((value) => value !== null && value >= 0)
      const sum = latencies.length > 0 ? latencies.reduce<number>((sum, value) => sum + value!, 0) : null
      const histogram = new LatencyHistogram()
      for (const value of latencies) histogram.add(value!)
      const encoded = Buffer.from(histogram.encode())
      return !(
        Number(found['requests']) === group.length &&
        Number(found['latencies']) === latencies.length &&
        found['latency_sum'] === sum &&
        Number(found['errors']) === group.filter(({ status_code }) => (status_code ?? 0) >= 400).length &&
        encoded.equals(found['histogram'] ?? Buffer.alloc(0))
      )
    })
    t.same(wrong, [])
  }
})

const clients = ['10.0.0.1', '10.0.0.2']

t.test(
  'after a scan of 2,600 paths, an endpoint gets its name, its minutes and all its requests',
  async (t) => {
    const sql = await migrated((await testDatabase(t)).sql)
    const scan = Array.from({ length: 2_600 }, (_, i) => {
      return { ...plain, path: `/${word(i)}`, status_code: 404, ip_address: '10.9.9.9' }
    })
    const orders = Array.from({ length: 600 }, (_, i) => {
      return {
        ...plain,
        path: '/api/orders',
        timestamp: minutesAfterStart(10 + (i % 30)),
        ip_address: clients[i % 2]!,
      }
    })
    await insertTraffic(sql, 'request_logs', [...scan, ...orders])
    await update(sql)
    t.same(await namedPaths(sql), ['/api/orders'])
    const range = { from: START, to: minutesAfterStart(60), exclude: [] }
    const { endpoints } = await endpointRollups(sql, 'request_logs', range, neverAborted)
    const [found, ...others] = endpoints
    t.match(found, { method: 'GET', path: '/api/orders' })
    t.equal(
      found!.counts.reduce((sum, each) => sum + each, 0),
      600,
    )
    t.same(others, [])
    const [attack] = await sql`select count(*)::int as paths from aegis_ml_rollup_candidates`
    t.equal(attack!['paths'], 1_000, 'the summary is bounded')
    t.match(await findWithoutProfile(sql, 'request_logs', { method: 'GET', path: '/a' }), {
      state: 'attack',
      requests: 1,
    })
  },
)

t.test('latencies longer than ten minutes are told apart', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  const durations = [10, 30, null, 599_000, 0, 620_000, 1e9]
  const rows = Array.from({ length: 60 }, (_, minute) => {
    const duration = minute < durations.length ? durations[minute]! : 20
    const ip_address = `10.0.0.${minute % 4}`
    return {
      ...plain,
      path: '/slow',
      duration,
      timestamp: minutesAfterStart(Math.floor(minute / 4)),
      ip_address,
    }
  })
  await insertTraffic(sql, 'request_logs', rows)
  await update(sql)
  const range = { from: START, to: minutesAfterStart(30), exclude: [] }
  const { endpoints } = await endpointRollups(sql, 'request_logs', range, neverAborted)
  const [found] = endpoints
  t.match(found, {
    path: '/slow',
    latencies: 59,
    overlong: 2,
    latencySumMs: 1e9 + 620_000 + 599_040 + 53 * 20,
  })
  t.ok(Math.abs(found!.countedSumMs! / (599_040 + 53 * 20) - 1) < 0.01)
})

t.test('when an endpoint earns its name, the minutes before it are rolled up again', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  const at = (minute: number, ip_address: string) => {
    return { ...plain, path: '/late', timestamp: minutesAfterStart(minute), ip_address }
  }
  await insertTraffic(sql, 'request_logs', [at(0, '10.0.0.1'), at(7, '10.0.0.1')])
  await update(sql, { now: minutesAfterStart(20) })
  t.same(await namedPaths(sql), [])
  t.match(await findWithoutProfile(sql, 'request_logs', { method: '', path: '/late' }), {
    state: 'other',
    requests: 2,
  })
  await insertTraffic(sql, 'request_logs', [at(30, '10.0.0.2')])
  await update(sql)
  const { endpoints } = await everything(sql)
  t.same(
    endpoints.map(({ minute, path }) => [minute, path]),
    [0, 7, 30].map((minute) => [minutesAfterStart(minute), '/late']),
  )
})

/** The sums of what is known without a name, and with one. */
const countedRequests = async (sql: Sql) => {
  const [candidates] = await sql`select coalesce(sum(requests), 0)::int as n from aegis_ml_rollup_candidates`
  const [named] = await sql`
    select coalesce(sum(requests), 0)::int as n from aegis_ml_rollup_endpoint_minutes where endpoint <> 0`
  return { unnamed: candidates!['n'] as number, named: named!['n'] as number }
}

t.test('each request counts once, also when history is rolled up again or the rules change', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  const rare = Array.from({ length: 30 }, (_, i) => ({
    ...{ ...plain, path: `/rare/${word(i)}`, ip_address: '10.0.0.9', timestamp: minutesAfterStart(i) },
    status_code: i % 2 ? 200 : 404,
  }))
  const late = clients.flatMap((ip_address, i) => {
    return { ...plain, path: '/late', ip_address, timestamp: minutesAfterStart(5 + 40 * i) }
  })
  await insertTraffic(sql, 'request_logs', [...rare, ...late])
  for (let i = 0; i < 2; i++) {
    await update(sql, { lookBackMinutes: 60 })
    t.same(await countedRequests(sql), { unnamed: 30, named: 2 }, 'a name was earned in between')
  }
  for (const template of ['/rare/{name}', '/{dir}/{name}']) {
    await update(sql, { pathRules: { ...NO_RULES, templates: [template] } })
    t.same(await countedRequests(sql), { unnamed: 0, named: 32 })
    await update(sql, { pathRules: { ...NO_RULES, ignore: ['/late'] } })
    t.same(await countedRequests(sql), { unnamed: 30, named: 2 })
    await update(sql, { pathRules: NO_RULES })
    t.same(await countedRequests(sql), { unnamed: 30, named: 2 })
  }
})

t.test('an unused endpoint loses its name, and a new one may have its number', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  const used = (path: string, minute: number) =>
    clients.map((ip_address) => ({ ...plain, path, ip_address, timestamp: minutesAfterStart(minute) }))
  await insertTraffic(sql, 'request_logs', [...used('/old', 0), ...used('/new', 3 * 1440)])
  await update(sql, { retentionDays: 1 })
  t.same(await namedPaths(sql), ['/old'])
  await update(sql, { retentionDays: 1, now: minutesAfterStart(3 * 1440 + 60) })
  t.same(await namedPaths(sql), ['/new'])
})

t.test('a position with many names becomes one endpoint, with its history', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  const row = (path: string, i: number) => ({
    ...plain,
    path,
    timestamp: minutesAfterStart(i % 50),
    ip_address: `10.0.0.${i % 200}`,
  })
  const names = Array.from({ length: 600 }, (_, i) => row(`/users/n${word(i % 200)}`, i))
  const search = Array.from({ length: 60 }, (_, i) => row('/users/search', i))
  await insertTraffic(sql, 'request_logs', [...names, ...search])
  await update(sql)
  t.same(await namedPaths(sql), ['/users/search', '/users/{value}'])
  const sum = await sql`
    select path, sum(requests)::int as requests from aegis_ml_rollup_endpoint_minutes
    join aegis_ml_rollup_endpoints using (traffic_table, endpoint) group by 1 order by 1`
  t.same(
    [...sum],
    [
      { path: '/users/search', requests: 60 },
      { path: '/users/{value}', requests: 600 },
    ],
  )
})

t.test('a change of the rules rolls the history up again', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  const rows = ['/shop/toys/bear', '/shop/toys/car', '/health', '/a'].flatMap((path) =>
    clients.map((ip_address) => ({ ...plain, path, ip_address })),
  )
  await insertTraffic(sql, 'request_logs', rows)
  await update(sql)
  t.equal((await namedPaths(sql)).length, 4)
  const pathRules = { ...NO_RULES, templates: ['/shop/{category}/{item}'], ignore: ['/health'] }
  await update(sql, { pathRules })
  t.same(await namedPaths(sql), ['/a', '/health', '/shop/{category}/{item}'])
  const filter = {
    from: START,
    state: null,
    prefix: '/',
    minRequests: 1,
    limit: 10,
    offset: 0,
    sort: 'name',
  } as const
  const { endpoints } = await listEndpoints(sql, 'request_logs', filter)
  t.same(
    endpoints.map(({ path, state, requests }) => [path, state, requests]),
    [
      ['/a', 'named', 2],
      ['/health', 'ignored', 2],
      ['/shop/{category}/{item}', 'named', 4],
    ],
  )
  const folding = await readFolding(sql, 'request_logs')
  t.equal(folding.template('/shop/x/y'), '/shop/{category}/{item}', 'whoever reads rows follows them')
  await update(sql, { pathRules: NO_RULES })
  t.equal((await namedPaths(sql)).includes('/shop/toys/bear'), true)
})

t.test('a clearly busier endpoint displaces the least busy one', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  await sql.begin(async (tx) => {
    await createScratch(tx as never)
    const named = new NamedEndpoints(tx as never, 'request_logs', 1)
    await named.read()
    const candidate = (path: string, weight: number) => ({
      ...{ method: 'GET', path, weight, requests: weight, successes: weight, notFound: 0, probes: 0 },
      ...{ firstClient: 1, lastClient: 2, firstMs: 0, lastMs: 0, minutes: [] },
    })
    t.ok(await named.name(candidate('/first', 50), 'learned'))
    await tx`
      insert into aegis_ml_rollup_endpoint_minutes
        (traffic_table, minute, endpoint, requests, latencies, status_4xx, status_5xx, errors)
      values ('request_logs', ${START}, 1, 60, 0, 0, 0, 10)`
    named.forgetSuccesses()
    t.notOk(await named.name(candidate('/second', 119), 'learned'))
    t.ok(await named.name(candidate('/third', 120), 'learned'))
    const states = named.all.map(({ endpoint, path, state }) => [endpoint, path, state])
    t.same(states, [
      [1, '/first', 'retired'],
      [2, '/third', 'named'],
    ])
  })
})
