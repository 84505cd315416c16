import { setTimeout as delay } from 'node:timers/promises'
import postgres, { type Sql } from 'postgres'
import t, { type Test } from 'tap'
import { eventually } from '../../eventually.js'
import { migrate } from '../../../db/migrate.js'
import { UNKNOWN_CLIENT, RequestNames, streamRequests } from '../../../db/traffic/request-stream.js'
import type { TrafficTable } from '../../../db/traffic/table.js'
import { clientNetwork } from '../../../models/traffic/client-address.js'
import { pathTemplate } from '../../../models/traffic/path-template.js'
import { createRandom } from '../../../models/statistics/random.js'
import { openSql, testDatabase } from '../../postgres.js'

const FROM = new Date('2026-01-05T00:00:00Z')
const TO = new Date('2026-01-06T00:00:00Z')
const never = new AbortController().signal

interface Row {
  timestamp: Date
  method: string | null
  path: string | null
  status_code: number | null
  user_id: string | null
  ip_address: string | null
  tier?: string | null
}

/** Rows of all kinds, the empty and the strange among them, the ends of the range and what is beyond them. */
function someRows(count: number, withTier: boolean): Row[] {
  const random = createRandom(7)
  const one = <T>(values: readonly T[]): T => values[random.integer(values.length)]!
  const paths = [
    '/users/{n}',
    '/users/{n}?q={n}',
    '/carts/0191f3a2-7c1e-7d4b-9a3e-2b1c4d5e6f70',
    '/',
    '',
    '/é/ü',
    null,
  ]
  return Array.from({ length: count }, (_, i) => ({
    timestamp:
      i < 3
        ? one([FROM, TO, new Date(FROM.getTime() - 1)])
        : new Date(FROM.getTime() + random.integer(86_400_000)),
    method: one(['GET', 'get', 'POST', null]),
    path: one(paths)?.replaceAll('{n}', () => String(random.integer(1000))) ?? null,
    status_code: one([200, 201, 404, 503, null]),
    user_id: one([null, '', 'ada', 'grëte']),
    ip_address: one([null, '192.0.2.1', '2001:db8::1']),
    ...(withTier && { tier: one([null, '', 'free', 'premium']) }),
  }))
}

async function stored(t: Test, table: TrafficTable, count: number) {
  const { sql, connection } = await testDatabase(t)
  await migrate(sql)
  const rows = someRows(count, table === 'request_metrics')
  for (let at = 0; at < count; at += 2000)
    await sql`insert into ${sql(table)} ${sql(rows.slice(at, at + 2000))}`
  const inRange = rows
    .filter(({ timestamp }) => timestamp >= FROM && timestamp < TO)
    .map((row) => ({
      timeMs: row.timestamp.getTime(),
      endpoint: `${row.method === null ? '' : `${row.method.toUpperCase()} `}${pathTemplate(row.path ?? '')}`,
      client: row.user_id || (row.ip_address && clientNetwork(row.ip_address, 64)) || null,
      tier: row.tier ?? '',
      status: row.status_code ?? 0,
    }))
  return { sql, connection, expected: inRange }
}

type Plain = Awaited<ReturnType<typeof stored>>['expected'][number]

async function read(sql: Sql, table: TrafficTable, names: RequestNames, endpoint?: string) {
  const seen: Plain[] = []
  const batches: number[] = []
  const selection = { from: FROM, to: TO, names, signal: never, ...(endpoint !== undefined && { endpoint }) }
  for await (const batch of streamRequests(sql, table, selection)) {
    batches.push(batch.length)
    for (let i = 0; i < batch.length; i++) {
      const client = batch.client[i]!
      seen.push({
        timeMs: batch.timeMs[i]!,
        endpoint: names.endpoints[batch.endpoint[i]!]!,
        client: client === UNKNOWN_CLIENT ? null : names.clients[client]!,
        tier: names.tiers[batch.tier[i]!]!,
        status: batch.status[i]!,
      })
    }
  }
  return { seen, batches }
}

const sorted = (rows: readonly Plain[]) => rows.map((row) => JSON.stringify(row)).toSorted()
const inOrder = (rows: readonly Plain[]) =>
  rows.every(({ timeMs }, i) => i === 0 || timeMs >= rows[i - 1]!.timeMs)

for (const table of ['request_logs', 'request_metrics'] as const) {
  t.test(`${table}: every request of the range once, in order of time`, async (t) => {
    const { sql, expected } = await stored(t, table, 20_000)
    const { seen, batches } = await read(sql, table, new RequestNames({ byMethod: true }))
    t.ok(inOrder(seen))
    t.strictSame(sorted(seen), sorted(expected))
    t.ok(batches.length > 1)
  })
}

t.test('an endpoint of all methods, or of one; one that nobody asked for', async (t) => {
  const { sql, expected } = await stored(t, 'request_logs', 3000)
  const of = async (endpoint: string) => {
    const { seen } = await read(sql, 'request_logs', new RequestNames({ byMethod: true }), endpoint)
    return sorted(seen)
  }
  const matching = (test: (name: string) => boolean) =>
    sorted(expected.filter(({ endpoint }) => test(endpoint)))
  t.strictSame(
    await of('GET /users/{id}'),
    matching((name) => name === 'GET /users/{id}'),
  )
  t.strictSame(
    await of('/users/17?page=1'),
    matching((name) => name.endsWith('/users/{id}')),
  )
  t.strictSame(
    await of('/carts/{id}'),
    matching((name) => name.endsWith('/carts/{id}')),
  )
  t.strictSame(
    await of('/é/ü'),
    matching((name) => name.endsWith('/é/ü')),
  )
  t.strictSame(
    await of('/'),
    matching((name) => /^([A-Z]+ )?\/$/.test(name)),
  )
  t.strictSame(await of("/it's/a\\b"), [])
})

t.test(
  'endpoints without a method; names that are given come first, and others may be kept out',
  async (t) => {
    const { sql } = await stored(t, 'request_logs', 3000)
    const known = ['/never', '/users/{id}']
    const open = new RequestNames({ byMethod: false, endpoints: known })
    await read(sql, 'request_logs', open)
    t.strictSame(open.endpoints.slice(0, 3), ['other', ...known])
    t.strictSame(open.endpoints.slice(3).toSorted(), ['/', '/carts/{id}', '/é/ü'])
    const closed = new RequestNames({ byMethod: false, endpoints: known, maxEndpoints: known.length })
    const { seen } = await read(sql, 'request_logs', closed)
    t.strictSame(closed.endpoints, ['other', ...known])
    t.strictSame(new Set(seen.map(({ endpoint }) => endpoint)), new Set(['other', '/users/{id}']))
  },
)

t.test('clients beyond the most are nobody', async (t) => {
  const { sql } = await stored(t, 'request_logs', 3000)
  const names = new RequestNames({ byMethod: true, maxClients: 2 })
  const { seen } = await read(sql, 'request_logs', names)
  t.equal(names.clients.length, 2)
  t.strictSame(new Set(seen.map(({ client }) => client)), new Set([null, ...names.clients]))
})

t.test('a range without requests, one that is empty, a table that is not there', async (t) => {
  const { sql, connection } = await testDatabase(t)
  await migrate(sql)
  const names = new RequestNames({ byMethod: true })
  t.strictSame((await read(sql, 'request_logs', names)).seen, [])
  await sql`alter table request_logs drop column user_id`
  await t.rejects(read(sql, 'request_logs', names), { message: /user_id/ })
  await sql`drop table request_logs`
  await t.rejects(read(sql, 'request_logs', names), { code: '42P01' })
  const away = openSql({ ...connection, port: 1 })
  await t.rejects(read(away, 'request_logs', names), { code: 'ECONNREFUSED' })
})

/** Connections that run a COPY. */
const copying = (sql: Sql) =>
  sql`select from pg_stat_activity where query like 'copy%' and datname = current_database()`

t.test('an abort ends it, on the server too; so does a reader who has enough', async (t) => {
  const { sql } = await stored(t, 'request_logs', 40_000)
  const names = new RequestNames({ byMethod: true })
  const selection = { from: FROM, to: TO, names }
  for await (const batch of streamRequests(sql, 'request_logs', { ...selection, signal: never })) {
    t.ok(batch.length > 0)
    break
  }
  const controller = new AbortController()
  const reason = new Error('enough')
  const stream = streamRequests(sql, 'request_logs', { ...selection, signal: controller.signal })
  t.notOk((await stream.next()).done)
  controller.abort(reason)
  const rest = async () => {
    for await (const batch of stream) t.ok(batch.length > 0)
  }
  await t.rejects(rest(), reason)
  await eventually(async () => (await copying(sql)).length === 0)
  const aborted = { ...selection, signal: AbortSignal.abort(reason) }
  await t.rejects(streamRequests(sql, 'request_logs', aborted).next(), reason)
})

t.test('while the reader is busy the server waits', async (t) => {
  const { sql, connection } = await testDatabase(t)
  await migrate(sql)
  await sql`
    insert into request_logs ("timestamp", path, status_code)
    select ${FROM}::timestamptz + i * interval '1 millisecond', repeat('/x', 900), 200 from generate_series(1, 40000) i`
  const own = postgres({ ...connection, username: connection.user, max: 1, onnotice: () => undefined })
  t.teardown(() => own.end())
  const names = new RequestNames({ byMethod: true })
  const before = process.memoryUsage()
  const stream = streamRequests(own, 'request_logs', { from: FROM, to: TO, names, signal: never })
  t.notOk((await stream.next()).done)
  await delay(500)
  t.equal((await copying(sql)).length, 1)
  const { external, arrayBuffers } = process.memoryUsage()
  t.ok(external + arrayBuffers - before.external - before.arrayBuffers < 60_000_000, '72 MB are not here')
  await stream.return()
})
