import t from 'tap'
import type { Sql } from 'postgres'
import { testDatabase } from '../../postgres.js'
import {
  everything,
  insertTraffic,
  migrated,
  minutesAfterStart,
  namedPaths,
  plain,
  update,
  word,
} from './traffic-rows.js'

const clients = ['10.0.0.1', '10.0.0.2']

const positions = async (sql: Sql) => {
  const rows = await sql`select parent, kept from aegis_ml_rollup_positions order by parent`
  return rows.map(({ parent, kept }) => [parent, kept] as [string, string[]])
}

t.test('a scanner teaches no position, whatever it is answered', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  const scan = (client: string, status_code: number, prefix: string) =>
    Array.from({ length: 400 }, (_, i) => {
      return { ...plain, path: `${prefix}/n${word(i)}`, status_code, ip_address: client }
    })
  const used = ['/', '/login', '/api/orders'].flatMap((path) =>
    clients.map((ip_address) => ({ ...plain, path, ip_address })),
  )
  await insertTraffic(sql, 'request_logs', [
    ...[...scan('10.9.9.9', 200, ''), ...scan('10.9.9.9', 200, '/api'), ...used],
    ...['10.9.9.1', '10.9.9.2', '10.9.9.3'].flatMap((client) => scan(client, 404, '/many')),
  ])
  await update(sql)
  t.same(await positions(sql), [])
  t.same(await namedPaths(sql), ['/', '/api/orders', '/login'])
})

t.test('a busy value of a learned position becomes an endpoint, with its history', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  const names = Array.from({ length: 900 }, (_, i) => {
    return { ...plain, path: `/n${word(i % 300)}`, ip_address: `10.0.0.${i % 200}` }
  })
  await insertTraffic(sql, 'request_logs', names)
  await update(sql, { now: minutesAfterStart(5) })
  t.same(await positions(sql), [['', []]])
  t.same(await namedPaths(sql), ['/{value}'])
  const orders = (count: number, minute: number) =>
    Array.from({ length: count }, (_, i) => {
      return {
        ...plain,
        path: '/api/orders',
        ip_address: clients[i % 2]!,
        timestamp: minutesAfterStart(minute),
      }
    })
  await insertTraffic(sql, 'request_logs', orders(10, 6))
  await update(sql, { now: minutesAfterStart(10) })
  t.same(await namedPaths(sql), ['/{value}', '/{value}/orders'])
  await insertTraffic(sql, 'request_logs', orders(60, 12))
  await update(sql, { now: minutesAfterStart(20) })
  t.same(await positions(sql), [['', ['api']]])
  const { endpoints } = await everything(sql)
  const found = endpoints.filter(({ path }) => path === '/api/orders')
  t.same(
    found.map(({ minute, requests }) => [minute, Number(requests)]),
    [
      [minutesAfterStart(6), 10],
      [minutesAfterStart(12), 60],
    ],
  )
  const rolledUp = async () => {
    const rows = await sql`select xmin::text from aegis_ml_rollup_endpoint_minutes order by minute, endpoint`
    return rows.map(({ xmin }) => xmin as string)
  }
  const before = await rolledUp()
  await update(sql, { now: minutesAfterStart(20) })
  t.same(await rolledUp(), before, 'the history is rolled up again once, not with each update')
})

t.test('a position without many values is forgotten, and its paths are endpoints again', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  const names = Array.from({ length: 900 }, (_, i) => {
    return { ...plain, path: `/users/n${word(i % 300)}`, ip_address: `10.0.0.${i % 200}` }
  })
  const later = [1, 2, 3].flatMap((day) =>
    clients.map((ip_address) => {
      return { ...plain, path: '/users/alice', ip_address, timestamp: minutesAfterStart(day * 1440) }
    }),
  )
  await insertTraffic(sql, 'request_logs', [...names, ...later])
  const days = (count: number) => ({ retentionDays: 2, now: minutesAfterStart(count * 1440 + 60) })
  for (const day of [0, 1, 2]) await update(sql, days(day))
  t.same(await namedPaths(sql), ['/users/{value}'])
  await update(sql, days(3))
  t.same(await positions(sql), [])
  t.same(await namedPaths(sql), ['/users/alice'])
  const { endpoints } = await everything(sql)
  t.same(
    endpoints.map(({ minute, path }) => [minute, path]),
    [2, 3].map((day) => [minutesAfterStart(day * 1440), '/users/alice']),
    'what is kept is rolled up again',
  )
})
