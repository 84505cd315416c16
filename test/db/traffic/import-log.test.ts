import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from 'postgres'
import t, { type Test } from 'tap'
import fc from '../../properties.js'
import { eventually } from '../../eventually.js'
import { migrate } from '../../../db/migrate.js'
import { importRequests, type LogPiece } from '../../../db/traffic/import.js'
import type { TrafficTable } from '../../../db/traffic/table.js'
import { openSql, testDatabase } from '../../postgres.js'

const FROM = Date.UTC(2026, 0, 5)
const columns = ['timestamp', 'request_id', 'path', 'status_code']

interface Request {
  readonly id: string
  readonly atMs: number
  readonly path?: string
  readonly status?: number
}

const requests = (count: number, stepMs = 1000): Request[] =>
  Array.from({ length: count }, (_, i) => ({ id: randomUUID(), atMs: FROM + i * stepMs }))

/** The requests in pieces of some, as they stand. */
async function* lines(requests: readonly Request[], size = 100): AsyncGenerator<LogPiece> {
  for (let start = 0; start < requests.length; start += size) {
    const some = requests.slice(start, start + size)
    const times = some.map(({ atMs }) => atMs)
    yield {
      text: some
        .map(
          ({ id, atMs, path = '/a', status = 200 }) =>
            `${new Date(atMs).toISOString()}\t${id}\t${path}\t${status}\n`,
        )
        .join(''),
      fromMs: Math.min(...times),
      toMs: Math.max(...times),
      hours: times.map((atMs) => Math.floor(atMs / 3_600_000)),
    }
  }
}

async function prepared(t: Test, table: TrafficTable = 'request_logs') {
  const { sql, connection } = await testDatabase(t)
  await migrate(sql)
  const put = (pieces: AsyncIterable<LogPiece>, signal = new AbortController().signal) =>
    importRequests(sql, { table, columns, pieces, signal })
  const stored = async () =>
    (await sql`select count(*)::int as count from ${sql(table)}`)[0]!['count'] as number
  const touched = () =>
    sql<{ from_time: Date; to_time: Date }[]>`
      select from_time, to_time from aegis_ml_touched_ranges where traffic_table = ${table} order by id`
  return { sql, connection, put, stored, touched }
}

for (const table of ['request_logs', 'request_metrics'] as const) {
  t.test(`${table}: what is there already is not added again`, async (t) => {
    const { put, stored } = await prepared(t, table)
    const all = requests(3000)
    t.same(await put(lines(all.slice(0, 2000))), { rows: 2000, added: 2000 })
    t.same(await put(lines(all.slice(0, 2000))), { rows: 2000, added: 0 })
    t.same(await put(lines(all)), { rows: 3000, added: 1000 })
    t.equal(await stored(), 3000)
  })
}

t.test('rows that others wrote stay, with an id and without', async (t) => {
  const { sql, put, stored } = await prepared(t)
  const [first, ...others] = requests(10)
  await sql`insert into request_logs ("timestamp", request_id) values (${new Date(first!.atMs)}, ${first!.id})`
  await sql`insert into request_logs ("timestamp", path) values (${new Date(FROM)}, '/other')`
  t.same(await put(lines([first!, ...others])), { rows: 10, added: 9 })
  t.equal(await stored(), 11)
})

t.test('what was added is marked for the rollups, and nothing else is', async (t) => {
  const { put, touched } = await prepared(t)
  const day = 86_400_000
  const late = [FROM + 100 * day, FROM + 100 * day + 3_600_000].map((atMs) => ({ id: randomUUID(), atMs }))
  const early = requests(10, 600_000)
  await put(lines([...late, ...early]))
  const expected = [
    { from_time: new Date(FROM), to_time: new Date(FROM + 2 * 3_600_000 - 1) },
    { from_time: new Date(late[0]!.atMs), to_time: new Date(FROM + 100 * day + 2 * 3_600_000 - 1) },
  ]
  t.strictSame(
    [...(await touched())].map((row) => ({ ...row })),
    expected,
  )
  await put(lines([...late, ...early]))
  t.equal((await touched()).length, 2, 'of the second time there is nothing to say')
})

t.test('no rows are no error', async (t) => {
  const { put, touched } = await prepared(t)
  t.same(await put(lines([])), { rows: 0, added: 0 })
  t.equal((await touched()).length, 0)
})

t.test('of two imports at once each request is added once', async (t) => {
  const { put, stored } = await prepared(t)
  const all = requests(5000)
  const added = (await Promise.all([put(lines(all)), put(lines(all)), put(lines(all))])).map(
    ({ added }) => added,
  )
  t.equal(await stored(), 5000)
  t.strictSame(
    added.toSorted((a, b) => a - b),
    [0, 0, 5000],
  )
})

t.test(
  'whatever is there, and in whatever order the log is, all of it is there once afterwards',
  async (t) => {
    const { sql, put } = await prepared(t)
    const minutes = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(
        minutes,
        minutes,
        fc.integer({ min: 1, max: 20 }),
        fc.boolean(),
        async (log, old, size, sort) => {
          await sql`truncate request_logs, aegis_ml_touched_ranges`
          if (sort) log.sort((a, b) => a - b)
          const all = log.map((minute, i) => ({ id: uuid(i), atMs: FROM + minute * 60_000 }))
          const others = old.map((minute) => ({ id: randomUUID(), atMs: FROM + minute * 60_000 }))
          // Some of the log, from its beginning on or not, is there, and so is what others wrote.
          await insert(sql, [...others, ...all.slice(old[0]! % log.length, old.length)])
          const there = await ids(sql)
          await put(lines(all, size))
          const now = await ids(sql)
          t.strictSame(now, [...new Set([...there, ...all.map(({ id }) => id)])].toSorted())
          const [row] = await sql`
        select count(*)::int as missing from request_logs where not exists (
          select from aegis_ml_touched_ranges where "timestamp" between from_time and to_time
        ) and request_id <> all(${there}::uuid[])`
          t.equal(row!['missing'], 0, 'what is new lies in the ranges for the rollups')
        },
      ),
      { numRuns: 40 },
    )
  },
)

const uuid = (i: number) => `00000000-0000-5000-8000-${String(i).padStart(12, '0')}`

async function insert(sql: Sql, requests: readonly Request[]): Promise<void> {
  const rows = requests.map(({ id, atMs }) => ({ timestamp: new Date(atMs), request_id: id }))
  await sql`insert into request_logs ${sql(rows)}`
}

async function ids(sql: Sql): Promise<string[]> {
  const rows = await sql<{ request_id: string }[]>`select request_id from request_logs`
  return rows.map(({ request_id }) => request_id).toSorted()
}

/** The two ways in which rows come into the table: at once, or staged since it has rows of the same time. */
const WAYS = { 'into an empty table': [], 'among other rows': [{ id: uuid(0), atMs: FROM + 5000 }] }

for (const [way, others] of Object.entries(WAYS)) {
  t.test(`${way}: a row that the table refuses undoes all`, async (t) => {
    const { sql, put, stored, touched } = await prepared(t)
    await sql`alter table request_logs add check (status_code < 600)`
    if (others.length > 0) await insert(sql, others)
    const bad = requests(2000).map((request, i) => ({ ...request, status: i === 1999 ? 999 : 200 }))
    await t.rejects(put(lines(bad)), { code: '23514' })
    async function* rubbish() {
      yield { text: 'rubbish\n', fromMs: FROM, toMs: FROM, hours: [] }
    }
    await t.rejects(put(rubbish()), { code: /^22/ })
    t.equal(await stored(), others.length)
    t.equal((await touched()).length, 0)
    t.same(await put(lines(requests(10))), { rows: 10, added: 10 }, 'the pool is as good as new')
  })

  t.test(`${way}: an abort undoes all, while rows come and while the server is at work`, async (t) => {
    const { sql, put, stored, touched } = await prepared(t)
    if (others.length > 0) await insert(sql, others)
    const reason = new Error('stopped')
    await t.rejects(put(lines(requests(1)), AbortSignal.abort(reason)), reason)

    const coming = new AbortController()
    async function* endless() {
      for (let round = 0; ; round++) {
        if (round === 20) coming.abort(reason)
        yield* lines(requests(100))
        await delay(1)
      }
    }
    await t.rejects(put(endless(), coming.signal), reason)

    await sql.unsafe(`create function wait() returns trigger language plpgsql as
        'begin perform pg_sleep(600); return new; end';
      create trigger wait before insert on request_logs for each row execute function wait()`)
    const atWork = new AbortController()
    const running = put(lines(requests(10)), atWork.signal)
    running.catch(() => undefined)
    const waiting = () =>
      sql`select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()`
    await eventually(async () => (await waiting()).length > 0)
    atWork.abort(reason)
    await t.rejects(running, reason)
    await sql`drop trigger wait on request_logs`
    t.equal(await stored(), others.length)
    t.equal((await touched()).length, 0)
    t.same(await put(lines(requests(10))), { rows: 10, added: 10 })
  })

  t.test(`${way}: a lost connection undoes all`, async (t) => {
    const { sql, connection, stored } = await prepared(t)
    if (others.length > 0) await insert(sql, others)
    const own = openSql(connection)
    t.teardown(() => own.end({ timeout: 1 }))
    async function* interrupted() {
      yield* lines(requests(3000))
      await sql`select pg_terminate_backend(pid) from pg_stat_activity
        where query like 'copy %' and datname = current_database()`
      for (;;) {
        yield* lines(requests(100))
        await delay(5)
      }
    }
    const { signal } = new AbortController()
    const work = importRequests(own, { table: 'request_logs', columns, pieces: interrupted(), signal })
    await t.rejects(work, { code: /57P01|CONNECTION_CLOSED|ECONNRESET|EPIPE/ })
    t.equal(await stored(), others.length)
  })
}
