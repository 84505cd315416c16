import t from 'tap'
import { MAX_ENDPOINTS, OTHER } from '../../../db/traffic/endpoints.js'
import { EndpointNames } from '../../../db/traffic/rollups/endpoints.js'
import { createScratch } from '../../../db/traffic/rollups/scratch.js'
import { LatencyHistogram } from '../../../models/statistics/latency-histogram.js'
import { pathTemplate } from '../../../models/traffic/path-template.js'
import { testDatabase } from '../../postgres.js'
import {
  everything,
  insertTraffic,
  migrated,
  minutesAfterStart,
  oddTraffic,
  START,
  update,
  type TrafficRow,
} from './traffic-rows.js'

const plain: TrafficRow = {
  timestamp: START,
  method: 'GET',
  path: '/',
  status_code: 200,
  duration: 10,
  user_id: null,
  ip_address: null,
}

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

t.test('beyond the bound the busiest first templates keep their names, all others are one', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  const words = Array.from(
    { length: 2500 },
    (_, i) => `/w${[...String(i)].map((digit) => 'abcdefghij'[Number(digit)]).join('')}`,
  )
  const rows = words.flatMap((path, i) => Array.from({ length: i < 500 ? 1 : 2 }, () => ({ ...plain, path })))
  const next = words.map((path) => ({ ...plain, path: `${path}/next`, timestamp: minutesAfterStart(60) }))
  await insertTraffic(sql, 'request_logs', [...rows, ...next])
  await update(sql, { now: minutesAfterStart(120) })
  const { endpoints, minutes } = await everything(sql)
  const names = await sql`select endpoint, path from aegis_ml_rollup_endpoints order by endpoint`
  t.equal(names.length, MAX_ENDPOINTS + 1)
  t.match(names[0], { endpoint: OTHER, path: 'other' })
  t.same(
    names
      .slice(1)
      .map(({ path }) => path)
      .sort(),
    words.slice(500).sort(),
  )
  const others = endpoints.filter(({ path }) => path === 'other')
  t.same(
    others.map(({ requests }) => requests),
    ['500', '2500'],
  )
  t.same(
    minutes.map(({ requests }) => requests),
    ['4500', '2500'],
  )
})

t.test('what is written in pages of paths arrives whole', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  const paths = Array.from({ length: 5001 }, (_, i) => `/users/${i}/${i % 7 === 0 ? 'a?b' : `x${i % 5}`}`)
  await insertTraffic(
    sql,
    'request_logs',
    paths.map((path) => ({ ...plain, path })),
  )
  await sql.begin(async (tx) => {
    await createScratch(tx as never)
    const names = new EndpointNames(tx as never, { table: 'request_logs', inet: true }, 4)
    await names.resolve({ from: START, to: minutesAfterStart(1) })
    const found = await tx`
      select coalesce(named.path, '?') as template, count(*)::int as paths from rollup_paths
      join aegis_ml_rollup_endpoints named using (endpoint) group by 1 order by 1`
    const count = (template: string) => paths.filter((path) => pathTemplate(path) === template).length
    t.equal(found.length, 5)
    for (const { template, paths } of found) if (template !== 'other') t.equal(paths, count(template))
    t.equal(
      found.reduce((sum, row) => sum + row['paths'], 0),
      paths.length,
    )
  })
})
