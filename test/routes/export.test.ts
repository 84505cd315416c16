import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { parse } from 'csv-parse/sync'
import type { Sql } from 'postgres'
import t, { type Test } from 'tap'
import { expectedRows } from '../db/traffic/traffic-oracle.js'
import { insertRequests, randomRequests } from '../db/traffic/request-rows.js'
import { eventually } from '../eventually.js'
import { testDatabase } from '../postgres.js'
import { testService, type Service } from '../service.js'
import { DAY_MS, MINUTE_MS } from '../../models/traffic/durations.js'

/** Some minutes before the present one, so that a minute may pass while the test runs. */
const END = new Date(Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - 10 * MINUTE_MS)
const START = new Date(END.getTime() - 2 * DAY_MS)
const RANGE = `from=${START.toISOString()}&to=${END.toISOString()}`
const URL = '/export/training-data'
const BUCKETS = { '1m': 60, '5m': 300, '15m': 900, '1h': 3600, '6h': 21_600, '1d': 86_400 }

type Row = Record<string, string | number | null>

const fetchText = async ({ app }: Service, query: string) => {
  const { statusCode, headers, body } = await app.inject({ url: `${URL}?${query}` })
  return { statusCode, headers, body }
}

const inOrder = (rows: Row[]) => rows.toSorted((a, b) => (a['time_bucket']! < b['time_bucket']! ? -1 : 1))

t.test('every format holds the same rows, those of the plain computation', async (t) => {
  const service = await testService(t)
  const requests = randomRequests(1500, START, END, 1)
  await insertRequests(service.sql, 'request_logs', requests)
  const csv = await fetchText(service, RANGE)
  t.match(csv.headers, {
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': 'attachment;filename=training_data.csv',
  })
  const ndjson = await fetchText(service, `${RANGE}&format=ndjson`)
  t.match(ndjson.headers, {
    'content-type': /^application\/x-ndjson/,
    'content-disposition': 'attachment;filename=training_data.ndjson',
  })
  const { status, body } = await service.get(`${URL}?${RANGE}&format=json`)
  t.equal(status, 200)
  const rows = body.data as unknown as Row[]
  const { success, count, bucket, from, to, ...others } = body as unknown as Record<string, unknown>
  const range = { from: START.toISOString(), to: END.toISOString() }
  t.same({ success, count, bucket, from, to }, { success: true, count: rows.length, bucket: '1m', ...range })
  t.same(Object.keys(others).sort(), ['data', 'timestamp'])

  const exact = ({ minute: _, ...row }: Row) => ({ ...row, stddev_latency_ms: null })
  t.same(rows.map(exact), inOrder(expectedRows(requests, 'aggregated', 60)).map(exact))
  const lines = ndjson.body.trimEnd().split('\n')
  t.same(
    lines.map((line) => JSON.parse(line) as Row),
    rows,
  )
  const cells = rows.map((row) => Object.values(row).map((cell) => (cell === null ? '' : String(cell))))
  t.same(parse(csv.body), [Object.keys(rows[0]!), ...cells])
})

t.test('every bucket counts every request once, aligned to midnight', async (t) => {
  const service = await testService(t, { TRAFFIC_TABLE: 'request_metrics' })
  const requests = randomRequests(800, START, END, 2)
  await insertRequests(service.sql, 'request_metrics', requests)
  const counts = (rows: Row[]) =>
    inOrder(rows).map(({ time_bucket, total_requests, unique_ips }) => [
      time_bucket,
      total_requests,
      unique_ips,
    ])
  for (const [bucket, seconds] of Object.entries(BUCKETS)) {
    const { body } = await service.get(`${URL}?${RANGE}&format=json&bucket=${bucket}`)
    t.same(
      counts(body.data as unknown as Row[]),
      counts(expectedRows(requests, 'aggregated', seconds)),
      bucket,
    )
  }
})

t.test('a range from before the rollups comes from the rows', async (t) => {
  const service = await testService(t, { RETENTION_DAYS: '1' })
  const requests = randomRequests(300, START, END, 3)
  await insertRequests(service.sql, 'request_logs', requests)
  const { body } = await service.get(`${URL}?${RANGE}&format=json&bucket=1h`)
  t.equal((body as unknown as { count: number }).count, expectedRows(requests, 'aggregated', 3600).length)
  t.match(await service.get(`${URL}?from=2020-01-01T00:00Z&to=2020-01-02T00:00Z`), { status: 404 })
})

t.test('days count back from the present minute; seven of them when nothing is said', async (t) => {
  const service = await testService(t)
  await service.sql`insert into request_logs ("timestamp", status_code, response_time_ms) values
    (now() + interval '5 hours', 200, 1), (now() - interval '2 hours', 200, 1),
    (now() - interval '30 hours', 200, 1), (now() - interval '8 days', 200, 1)`
  const count = async (query: string) =>
    ((await service.get(`${URL}?format=json&${query}`)).body as unknown as { count: number }).count
  t.equal(await count('days=1'), 1)
  t.equal(await count(''), 2)
  t.equal(await count('days=365'), 3)
  const open = new Date(Date.now() - 3 * 3_600_000).toISOString().replace('Z', '')
  t.equal(await count(`from=${open}`), 1, 'without a zone it is UTC')
})

t.test('what makes no sense is refused with the field', async (t) => {
  const service = await testService(t)
  for (const [query, message] of [
    ['days=0', /^days is 0; allowed is a whole number from 1 to 3650/],
    ['days=1e9', /^days is/],
    ['days=many', /^days is/],
    ['bucket=7m', /^bucket is "7m"; allowed is one of 1m, 5m/],
    ['format=xml', /^format is "xml"/],
    ['from=yesterday', /^from is "yesterday"; allowed is an ISO-8601 time/],
    ['to=2026-01-01T00:00:00Z', /^from is required with to/],
    ['from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', /^from is .* before to/],
    ['from=2999-01-01T00:00:00Z', /^from is .* before the present minute/],
    ['from=2026-01-01T00:00:00Z&days=3', /^days cannot be given together with from/],
  ] as const) {
    const answer = await service.get(`${URL}?${query}`)
    t.match(answer, { status: 400, body: { code: 'INVALID_REQUEST', message } }, query)
  }
})

t.test('nothing to export is 404 with the table and the range; unknown fields are named', async (t) => {
  const service = await testService(t)
  t.match(await service.get(`${URL}?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z`), {
    status: 404,
    body: {
      code: 'NO_DATA',
      message: /request_logs .* 2020-01-01T00:00:00\.000Z to 2020-01-02T00:00:00\.000Z/,
    },
  })
  await insertRequests(service.sql, 'request_logs', randomRequests(5, START, END, 4))
  const { body } = await service.get(`${URL}?format=json&colour=red`)
  t.same(body.warnings, ['Unknown field colour was ignored.'])
})

t.test('a table that lacks a column is a conflict that names it', async (t) => {
  const service = await testService(t)
  await service.sql`alter table request_logs drop column user_id`
  t.match(await service.get(URL), {
    status: 409,
    body: { code: 'TRAFFIC_TABLE_UNUSABLE', message: /request_logs .*user_id/ },
  })
})

let rolledUp: Promise<string> | undefined

/** The name of a database with months of traffic that has been rolled up, which takes seconds. */
async function rollUpMonths(): Promise<string> {
  const { app, sql, connection, get } = await testService(t, { RETENTION_DAYS: '3650' })
  await sql`insert into request_logs ("timestamp", status_code, response_time_ms)
    select date_trunc('minute', now()) - i * interval '1 minute', 200, 5 from generate_series(1, 60000) i`
  await get(`${URL}?days=1&format=json`)
  await app.close()
  await sql.end()
  return connection.database
}

/** A listening service on a copy of it. */
async function monthsOfTraffic(t: Test) {
  const database = await testDatabase(t, await (rolledUp ??= rollUpMonths()))
  const service = await testService(t, { RETENTION_DAYS: '3650' }, database)
  await service.app.listen({ port: 0, host: '127.0.0.1' })
  return { ...service, port: (service.app.server.address() as AddressInfo).port }
}

/** Waits until no connection reads for an export, or holds what it has read. The service's other queries are not looked at. */
async function noConnectionExports(sql: Sql): Promise<void> {
  let quiet = 0
  await eventually(
    async () => {
      const busy = await sql`select from pg_stat_activity where datname = current_database()
        and pid <> pg_backend_pid() and state <> 'idle' and query like '%buckets%'`
      quiet = busy.length === 0 ? quiet + 1 : 0
      return quiet === 5
    },
    { what: 'five looks in a row at which no connection exports', pauseMs: 100 },
  )
}

t.test('a reader that pauses makes the service pause, which holds no connection meanwhile', async (t) => {
  const { sql, port } = await monthsOfTraffic(t)
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET ${URL}?days=41&format=ndjson HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`)
  await once(socket, 'readable') // and no more is read
  await noConnectionExports(sql)
  // What it has not read by now it finds changed.
  await sql`update aegis_ml_rollup_minutes set requests = 77 where minute > now() - interval '1 day'`
  let text = ''
  for await (const piece of socket) text += String(piece)
  const last = text.split('\n').findLast((line) => line.startsWith('{'))
  t.match(JSON.parse(last!), { total_requests: 77 })
})

t.test('a reader that hangs up ends the export', async (t) => {
  const { sql, port } = await monthsOfTraffic(t)
  await sql`alter table aegis_ml_rollup_minutes rename to slow_minutes`
  await sql`create view aegis_ml_rollup_minutes as select * from slow_minutes where pg_sleep(0.004) is not null`
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET ${URL}?days=41 HTTP/1.1\r\nhost: localhost\r\n\r\n`)
  await once(socket, 'readable')
  socket.destroy()
  // To its end it would take longer than a test may.
  await noConnectionExports(sql)
  t.pass()
})

t.test('an error on the way breaks the connection off', async (t) => {
  const { sql, port, get } = await monthsOfTraffic(t)
  const response = await fetch(`http://127.0.0.1:${port}${URL}?days=41`)
  t.equal(response.status, 200)
  const reader = response.body!.getReader()
  await reader.read()
  await sql`alter table aegis_ml_rollup_minutes rename column requests to gone`
  const readAll = async () => {
    while (!(await reader.read()).done);
  }
  await t.rejects(readAll())
  t.equal((await get('/health')).status, 200)
})
