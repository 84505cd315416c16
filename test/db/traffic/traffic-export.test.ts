import { parse } from 'csv-parse/sync'
import t, { type Test } from 'tap'
import { eventually } from '../../eventually.js'
import { migrate } from '../../../db/migrate.js'
import { countExportRows, exportTraffic, type TrafficSelection } from '../../../db/traffic/export.js'
import {
  BUCKET_SECONDS,
  EXPORT_TYPES,
  trafficColumns,
  type Bucket,
} from '../../../formats/export/traffic-columns.js'
import type { Cell } from '../../../formats/export/column.js'
import { copyTextCells } from '../../../formats/export/copy-text.js'
import { neutralised } from '../../../formats/export/csv.js'
import { testDatabase } from '../../postgres.js'
import { expectedRows } from './traffic-oracle.js'
import { insertRequests, randomRequests } from './request-rows.js'

const FROM = new Date('2026-03-01T10:07:00Z')
const TO = new Date('2026-03-04T02:31:00Z')
const RANGE = { from: FROM, to: TO }
const never = new AbortController().signal

async function database(t: Test) {
  const { sql } = await testDatabase(t)
  await migrate(sql)
  return sql
}

async function textOf(pieces: AsyncIterable<Buffer>): Promise<string> {
  const all: Buffer[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all).toString('utf8')
}

type Row = Record<string, unknown>

const byKey = (a: Row, b: Row) => {
  const key = ({ time_bucket, method, path, day_of_week, hour }: Row) =>
    JSON.stringify([time_bucket, method, path, day_of_week, hour])
  return key(a) < key(b) ? -1 : 1
}

/** Equal but for the last digits of what is summed up in another order. */
function same(t: Test, found: Row[], wanted: Row[], name: string): void {
  t.equal(found.length, wanted.length, `${name}: rows`)
  const sorted = wanted.toSorted(byKey)
  for (const [index, row] of found.toSorted(byKey).entries()) {
    const other = sorted[index]!
    const differs = Object.keys(row).find((key) => {
      const [a, b] = [row[key], other[key] ?? null]
      if (key.startsWith('stddev')) return a !== b && !(Math.abs(Number(a) / Number(b) - 1) < 1e-9)
      return a !== b
    })
    if (differs !== undefined) t.same(row, other, `${name}: ${differs}`)
  }
}

t.test('every type and bucket equals the plain computation, on both tables', async (t) => {
  const sql = await database(t)
  const inside = randomRequests(2500, FROM, TO, 1)
  const before = randomRequests(50, new Date(0), FROM, 2)
  const after = randomRequests(50, TO, new Date('2026-04-01'), 3)
  for (const table of ['request_logs', 'request_metrics'] as const) {
    await insertRequests(sql, table, [...inside, ...before, ...after])
    for (const type of EXPORT_TYPES) {
      for (const bucket of type === 'aggregated' || type === 'endpoint'
        ? (Object.keys(BUCKET_SECONDS) as Bucket[])
        : (['1m'] as const)) {
        const selection: TrafficSelection = { table, type, ...RANGE, bucketSeconds: BUCKET_SECONDS[bucket] }
        const columns = trafficColumns(type)
        const text = await textOf(exportTraffic(sql, selection, 'text', never))
        const found = text
          .split('\n')
          .slice(0, -1)
          .map((line) => {
            const cells = copyTextCells(line, columns)
            return Object.fromEntries(
              columns.map(({ name }, index) => {
                const cell = cells[index]!
                return [name, cell instanceof Date ? cell.toISOString() : cell]
              }),
            )
          })
        const wanted = expectedRows(inside, type, BUCKET_SECONDS[bucket], RANGE)
        same(t, found, wanted, `${table} ${type} ${bucket}`)
        t.equal(await countExportRows(sql, selection, never), wanted.length)
      }
    }
  }
})

t.test('CSV holds the same texts, those that look like formulas behind an apostrophe', async (t) => {
  const sql = await database(t)
  const requests = randomRequests(500, FROM, TO, 4)
  await insertRequests(sql, 'request_logs', requests)
  const selection = { table: 'request_logs', type: 'endpoint-summary', ...RANGE, bucketSeconds: 60 } as const
  const text = await textOf(exportTraffic(sql, selection, 'csv', never))
  const rows = parse(text, { columns: trafficColumns('endpoint-summary').map(({ name }) => name) }) as Row[]
  const endpoints = (each: readonly Row[]) => each.map(({ method, path }) => `${method} ${path}`).sort()
  const wanted = expectedRows(requests, 'endpoint-summary', 60).map(({ method, path }) => ({
    method: neutralised(String(method)),
    path: neutralised(String(path)),
  }))
  t.same(endpoints(rows), endpoints(wanted))
  t.ok(rows.some(({ path }) => path === `'@SUM(A1)`))
  t.ok(rows.some(({ method }) => method === `'=1+1`))
  t.ok(rows.some(({ path }) => path === '/two\r\nlines\tand \\ more'))
})

t.test('rows come in order of time, then method and path', async (t) => {
  const sql = await database(t)
  await insertRequests(sql, 'request_logs', randomRequests(3000, FROM, TO, 5))
  const selection = { table: 'request_logs', type: 'endpoint', ...RANGE, bucketSeconds: 3600 } as const
  const lines = (await textOf(exportTraffic(sql, selection, 'text', never))).split('\n').slice(0, -1)
  const keys = lines.map((line) => copyTextCells(line, trafficColumns('endpoint')).slice(0, 3))
  const bytes = (key: Cell[]) => Buffer.from(JSON.stringify(key[0]) + key.slice(1).join('\0'))
  t.ok(keys.every((key, index) => index === 0 || Buffer.compare(bytes(keys[index - 1]!), bytes(key)) < 0))
})

t.test('a range without requests has no rows; a table without a column is an error', async (t) => {
  const sql = await database(t)
  const selection = { table: 'request_logs', type: 'endpoint', ...RANGE, bucketSeconds: 60 } as const
  t.equal(await textOf(exportTraffic(sql, selection, 'csv', never)), '')
  t.equal(await countExportRows(sql, selection, never), 0)
  await sql`alter table request_logs drop column user_id`
  await t.rejects(textOf(exportTraffic(sql, selection, 'csv', never)), { code: '42703', message: /user_id/ })
})

t.test('aborted, the query ends at once, on the server too', async (t) => {
  const sql = await database(t)
  await insertRequests(sql, 'request_logs', randomRequests(1000, FROM, TO, 6))
  await sql`alter table request_logs rename to slow_requests`
  await sql`create view request_logs as select slow_requests.* from slow_requests, pg_sleep(300)`
  const stop = new AbortController()
  const selection = { table: 'request_logs', type: 'aggregated', ...RANGE, bucketSeconds: 60 } as const
  const exporting = textOf(exportTraffic(sql, selection, 'csv', stop.signal))
  const running = async () =>
    (
      await sql`select 1 from pg_stat_activity where datname = current_database() and query like 'copy (%'
      and state = 'active'`
    ).length
  await eventually(async () => (await running()) > 0)
  stop.abort(new Error('stopped by hand'))
  await t.rejects(exporting, { message: 'stopped by hand' })
  await eventually(async () => (await running()) === 0)
})

t.test('a reader that stops early leaves no connection behind', async (t) => {
  const sql = await database(t)
  await insertRequests(sql, 'request_logs', randomRequests(20_000, FROM, TO, 7))
  const selection = { table: 'request_logs', type: 'endpoint', ...RANGE, bucketSeconds: 60 } as const
  for await (const piece of exportTraffic(sql, selection, 'csv', never)) {
    t.ok(piece.length > 0)
    break
  }
  const others = async () =>
    (await sql`select 1 from pg_stat_activity where datname = current_database() and query like 'copy (%'`)
      .length
  await eventually(async () => (await others()) === 0)
})
