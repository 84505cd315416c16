import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from 'postgres'
import t, { type Test } from 'tap'
import { migrate } from '../../../db/migrate.js'
import { copyRequests, type RequestCopy } from '../../../db/traffic/copy-in.js'
import { openSql, testDatabase } from '../../postgres.js'
import { switchableProxy } from '../../plugins/switchable-proxy.js'

const FROM = new Date('2026-01-05T00:00:00Z')
const TO = new Date('2026-01-06T00:00:00Z')
const COLUMNS = ['timestamp', 'method', 'path', 'status_code', 'response_time_ms']
const line = (i: number, status = '200') =>
  `${new Date(FROM.getTime() + i * 1000).toISOString()}\tGET\t/a/${i}\t${status}\t${i % 50}\n`

/** Lines in pieces of a hundred, the one at `bad` with a status that the table refuses. */
function* lines(count: number, bad = -1): Generator<string> {
  for (let start = 0; start < count; start += 100) {
    const piece = Array.from({ length: Math.min(100, count - start) }, (_, i) => start + i)
    yield piece.map((i) => line(i, i === bad ? '999' : '200')).join('')
  }
}

const copy = (sql: Sql, over: Partial<RequestCopy> = {}) =>
  copyRequests(sql, {
    table: 'request_logs',
    columns: COLUMNS,
    rows: lines(1000),
    range: { from: FROM, to: TO },
    signal: new AbortController().signal,
    timeoutMs: 20_000,
    ...over,
  })

async function prepared(t: Test) {
  const { sql, connection } = await testDatabase(t)
  await migrate(sql)
  /** Rows, touched ranges, and that the connections are as they were. */
  const left = async () => {
    const [{ rows, ranges }] = (await sql`select
      (select count(*)::int from request_logs) as rows,
      (select count(*)::int from aegis_ml_touched_ranges) as ranges`) as unknown as [
      { rows: number; ranges: number },
    ]
    return [rows, ranges]
  }
  return { sql, connection, left }
}

/** What the server does with a row whose status is 999, in all the ways in which a table can refuse one. */
const REFUSALS: Readonly<Record<string, { statement: string; code: string }>> = {
  'a check': { statement: 'alter table request_logs add check (status_code < 600)', code: '23514' },
  'a trigger before the row': { statement: trigger('before insert'), code: 'P0001' },
  'a trigger after the row': { statement: trigger('after insert'), code: 'P0001' },
  'a unique index': {
    statement: `create unique index on request_logs (status_code) where status_code = 999;
      insert into request_logs (timestamp, status_code) values ('2020-01-01', 999)`,
    code: '23505',
  },
  'a deferred foreign key': {
    statement: `create table known (status int primary key); insert into known values (200);
      alter table request_logs add foreign key (status_code) references known deferrable initially deferred`,
    code: '23503',
  },
}

function trigger(time: string): string {
  return `create function refuse() returns trigger language plpgsql as
      'begin if new.status_code = 999 then raise ''no such status''; end if; return new; end';
    create trigger refuse ${time} on request_logs for each row execute function refuse()`
}

t.test('rows and their range are there together, and are counted', async (t) => {
  const { sql, left } = await prepared(t)
  t.equal(await copy(sql), 1000)
  t.strictSame(await left(), [1000, 1])
  const [row] = await sql`select * from request_logs order by timestamp limit 1`
  t.match(row, { timestamp: FROM, method: 'GET', path: '/a/0', status_code: 200, response_time_ms: 0 })
  t.equal(await copy(sql, { rows: [] }), 0, 'no rows are no error')
})

t.test('bytes, texts, cut anywhere, from a synchronous or an asynchronous source', async (t) => {
  const { sql, left } = await prepared(t)
  const text = [...lines(300)].join('')
  async function* pieces() {
    for (let at = 0; at < text.length; at += 7001) {
      yield Buffer.from(text.slice(at, at + 7001))
      await delay(1)
    }
  }
  t.equal(await copy(sql, { rows: pieces() }), 300)
  t.equal(await copy(sql, { rows: [text] }), 300)
  t.strictSame((await left())[0], 600)
})

for (const [what, { statement, code }] of Object.entries(REFUSALS)) {
  t.test(`${what} that refuses a row is an error at once, and nothing is left`, async (t) => {
    const { sql, left } = await prepared(t)
    await sql.unsafe(statement)
    const before = await left()
    for (const [name, bad] of [
      ['first', 0],
      ['middle', 5000],
      ['last', 9999],
    ] as const) {
      await t.rejects(copy(sql, { rows: lines(10_000, bad) }), { code }, `the ${name} row`)
      t.strictSame(await left(), before)
    }
    t.equal(await copy(sql), 1000, 'the pool is as good as new')
  })
}

t.test('a row that cannot be read, a missing column and a missing table are errors', async (t) => {
  const { sql, left } = await prepared(t)
  await t.rejects(copy(sql, { rows: [line(1), 'no time\tGET\t/\t200\t1\n'] }), { code: '22007' })
  await t.rejects(copy(sql, { rows: [line(1), '2026-01-05\tGET\n'] }), { code: '22P04' })
  await t.rejects(copy(sql, { columns: ['timestamp', 'colour'] }), { code: '42703', message: /colour/ })
  t.strictSame(await left(), [0, 0])
  await sql`drop table request_logs`
  await t.rejects(copy(sql), { code: '42P01' })
})

t.test('rows that cannot be made any more undo what was sent', async (t) => {
  const { sql, left } = await prepared(t)
  function* failing() {
    yield* lines(3000)
    throw new Error('no more ideas')
  }
  await t.rejects(copy(sql, { rows: failing() }), { message: 'no more ideas' })
  t.strictSame(await left(), [0, 0])
  t.equal(await copy(sql), 1000)
})

t.test('an abort undoes it: before, in the middle, and while the server is at work', async (t) => {
  const { sql, left } = await prepared(t)
  const reason = new Error('stopped')
  await t.rejects(copy(sql, { signal: AbortSignal.abort(reason) }), reason)

  const middle = new AbortController()
  function* endless() {
    for (let round = 0; ; round++) {
      if (round === 50) setImmediate(() => middle.abort(reason))
      yield* lines(100)
    }
  }
  await t.rejects(copy(sql, { rows: endless(), signal: middle.signal }), reason)
  t.strictSame(await left(), [0, 0])

  await sql.unsafe(`create function wait() returns trigger language plpgsql as
      'begin perform pg_sleep(600); return new; end';
    create trigger wait before insert on request_logs for each row execute function wait()`)
  const waiting = new AbortController()
  setTimeout(() => waiting.abort(reason), 300)
  await t.rejects(copy(sql, { signal: waiting.signal }), reason)
  await sql`drop trigger wait on request_logs`
  t.strictSame(await left(), [0, 0])
  t.equal(await copy(sql), 1000)
})

t.test('a lost connection is an error, and nothing is left', async (t) => {
  const { sql, connection, left } = await prepared(t)
  const own = openSql(connection)
  t.teardown(() => own.end({ timeout: 1 }))
  async function* interrupted() {
    yield* lines(3000)
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where query like 'copy %' and datname = current_database()`
    for (;;) {
      yield* lines(100)
      await delay(5)
    }
  }
  await t.rejects(copy(own, { rows: interrupted() }), { code: /57P01|CONNECTION_CLOSED|ECONNRESET|EPIPE/ })
  t.strictSame(await left(), [0, 0])
  t.equal(await copy(own), 1000, 'the next one has a new connection')
})

t.test('a server that goes silent is an error after a while', async (t) => {
  const { connection, left } = await prepared(t)
  const proxy = await switchableProxy(t, connection.port)
  const far = openSql({ ...connection, host: '127.0.0.1', port: proxy.port })
  async function* stalled() {
    yield* lines(3000)
    proxy.pause()
    for (;;) {
      yield* lines(1000)
      await delay(1)
    }
  }
  await t.rejects(copy(far, { rows: stalled(), timeoutMs: 1000 }), {
    code: 'ETIMEDOUT',
    message: /1 seconds/,
  })
  await far.end({ timeout: 1 })
  await proxy.close()
  t.strictSame(await left(), [0, 0])
})

t.test('rows are asked for as fast as they are taken, no faster', async (t) => {
  const { sql } = await prepared(t)
  await sql.unsafe(`create function wait() returns trigger language plpgsql as
      'begin perform pg_sleep(600); return new; end';
    create trigger wait before insert on request_logs for each row execute function wait()`)
  let asked = 0
  const full = 'x'.repeat(1_000_000)
  async function* counted() {
    for (;;) {
      asked++
      yield asked === 1 ? line(1) : `${line(asked).trimEnd()}${full}`
      await delay(0)
    }
  }
  const controller = new AbortController()
  const running = copy(sql, { rows: counted(), signal: controller.signal })
  running.catch(() => undefined)
  await delay(1500)
  const afterAWhile = asked
  await delay(500)
  t.equal(asked, afterAWhile, `stands after ${asked} MB`)
  t.ok(asked < 50)
  controller.abort(new Error('stopped'))
  await t.rejects(running, { message: 'stopped' })
})
