import type { Sql } from 'postgres'
import t from 'tap'
import { DURATION_COLUMN } from '../../../db/traffic/table.js'
import { minuteFigures, recordTouchedRange, TrafficTableError } from '../../../db/traffic/rollups.js'
import { testDatabase } from '../../postgres.js'
import {
  emptyRollups,
  equalsRebuilt,
  everything,
  insertTraffic,
  migrated,
  minutesAfterStart,
  neverAborted,
  oddTraffic,
  START,
  update,
  updateConnections,
} from './traffic-rows.js'

t.test('figures of minutes are those of the rows, bit by bit', async (t) => {
  for (const table of ['request_logs', 'request_metrics'] as const) {
    const sql = await migrated((await testDatabase(t)).sql)
    await insertTraffic(sql, table, oddTraffic(3000, 90, 1))
    await update(sql, { table })
    const duration = sql(DURATION_COLUMN[table])
    const expected = await sql<{ figures: number[] }[]>`
      select array[count(*)::float8 / 60, sum(latency)::float8 / count(latency),
        percentile_cont(0.95) within group (order by latency), percentile_cont(0.99) within group (order by latency),
        count(*) filter (where coalesce(status_code, 0) >= 400)::float8 / count(*)]::float8[] as figures
      from (select *, case when ${duration} >= 0 then ${duration} end as latency from ${sql(table)}) rows
      where timestamp < ${minutesAfterStart(60)} group by date_trunc('minute', timestamp)
      having count(latency) > 0 order by date_trunc('minute', timestamp)`
    const range = { from: START, to: minutesAfterStart(90) }
    const { samples: found } = await minuteFigures(sql, table, range, neverAborted)
    t.ok(expected.length > 50)
    t.same(
      [...found],
      [...expected].flatMap(({ figures }) => figures),
      table,
    )
  }
})

t.test('minutes that an excluded interval reaches into are left out', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  await insertTraffic(sql, 'request_logs', oddTraffic(3000, 60, 2))
  await update(sql)
  const read = async (from: number, to: number, exclude: [number, number][] = []) => {
    const ranges = exclude.map(([from, to]) => ({ from: minutesAfterStart(from), to: minutesAfterStart(to) }))
    const range = { from: minutesAfterStart(from), to: minutesAfterStart(to), exclude: ranges }
    return [...(await minuteFigures(sql, 'request_logs', range, neverAborted)).samples]
  }
  const all = await read(0, 60)
  t.equal(all.length, 300)
  t.same(await read(0, 60, [[10, 20]]), [...all.slice(0, 50), ...all.slice(100)])
  t.same(await read(0, 60, [[10.5, 11]]), [...all.slice(0, 50), ...all.slice(55)])
  t.same(
    await read(5, 60, [
      [0, 10],
      [8, 59],
    ]),
    all.slice(295),
  )
})

t.test('late rows within the look-back are taken in, earlier ones are not', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  const rows = oddTraffic(4000, 60, 3)
  const isLate = (_: unknown, i: number) => i % 4 === 0
  await insertTraffic(
    sql,
    'request_logs',
    rows.filter((row, i) => !isLate(row, i)),
  )
  await update(sql, { now: minutesAfterStart(60) })
  await insertTraffic(sql, 'request_logs', rows.filter(isLate))
  await update(sql, { now: minutesAfterStart(60), lookBackMinutes: 10 })
  const { minutes } = await everything(sql)
  const actual = await sql`
    select count(*) as requests from request_logs group by date_trunc('minute', timestamp)
    order by date_trunc('minute', timestamp)`
  const differing = minutes.filter(({ requests }, i) => requests !== actual[i]!['requests'])
  t.ok(differing.length > 0)
  t.ok(differing.every(({ minute }) => minute < minutesAfterStart(50)))

  await update(sql, { now: minutesAfterStart(60), lookBackMinutes: 60 })
  await equalsRebuilt(t, sql)
})

t.test('a range that our own writers recorded is rolled up however old it is', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  await insertTraffic(sql, 'request_logs', oddTraffic(500, 60, 4))
  await update(sql, { now: minutesAfterStart(60) })
  const old = oddTraffic(500, 60, 5).map((row) => ({
    ...row,
    timestamp: new Date(row.timestamp.getTime() - 30 * 86_400_000),
  }))
  const fresh = oddTraffic(100, 60, 6)
  await sql.begin(async (tx) => {
    await insertTraffic(tx as never, 'request_logs', [...old, ...fresh])
    const month = 30 * 86_400_000
    await recordTouchedRange(tx, 'request_logs', {
      from: new Date(START.getTime() - month),
      to: new Date(minutesAfterStart(60).getTime() - month),
    })
    await recordTouchedRange(tx, 'request_logs', { from: START, to: minutesAfterStart(60) })
  })
  await update(sql, { now: minutesAfterStart(61) })
  t.same([...(await sql`select * from aegis_ml_touched_ranges`)], [])
  await equalsRebuilt(t, sql, minutesAfterStart(61))
})

t.test('minute by minute leads to the same as all at once, once the hour is over', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  const rows = oddTraffic(2000, 44, 7)
  for (let minute = 1; minute <= 44; minute++) {
    const isNew = ({ timestamp }: { timestamp: Date }) =>
      timestamp < minutesAfterStart(minute) && timestamp >= minutesAfterStart(minute - 1)
    await insertTraffic(sql, 'request_logs', rows.filter(isNew))
    await update(sql, { now: minutesAfterStart(minute) })
  }
  await equalsRebuilt(t, sql, minutesAfterStart(44))
})

t.test('twice changes nothing, two at once do the work once', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  await insertTraffic(sql, 'request_logs', oddTraffic(2000, 60, 8))
  const shares: number[][] = [[], []]
  await Promise.all(shares.map((told) => update(sql, { onProgress: (share) => told.push(share) })))
  t.same(
    shares.map((told) => told.at(-1)),
    [1, 1],
  )
  t.equal(
    shares.flat().length,
    Math.max(...shares.map((told) => told.length)) + 1,
    'one of them found it done',
  )
  const before = await everything(sql)
  await update(sql)
  await update(sql, { lookBackMinutes: 60 })
  t.same(await everything(sql), before)
})

t.test('the unfinished minute and the future wait for their time', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  await insertTraffic(sql, 'request_logs', oddTraffic(3000, 60, 9))
  await update(sql, { now: new Date(minutesAfterStart(30).getTime() + 59_999) })
  const { minutes } = await everything(sql)
  t.same(minutes.at(-1)!['minute'], minutesAfterStart(29))
  await update(sql, { now: minutesAfterStart(103) })
  await equalsRebuilt(t, sql, minutesAfterStart(103))
})

t.test('an abort leaves whole chunks, and the next update goes on from there', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  const rows = oddTraffic(3000, 60, 10)
  const days = [0, 1, 2, 3].flatMap((day) =>
    rows.map((row) => ({ ...row, timestamp: new Date(row.timestamp.getTime() + day * 86_400_000) })),
  )
  await insertTraffic(sql, 'request_logs', days)
  const now = minutesAfterStart(5 * 1440)
  const stopping = new AbortController()
  const reason = new Error('enough')
  const shares: number[] = []
  const onProgress = (share: number) => {
    shares.push(share)
    if (share > 0.3) stopping.abort(reason)
  }
  await t.rejects(update(sql, { now, signal: stopping.signal, onProgress }), reason)
  const { minutes } = await everything(sql)
  t.ok(minutes.length >= 60 && minutes.length < 240, `${minutes.length} minutes`)
  const again: number[] = []
  await update(sql, { now, onProgress: (share) => again.push(share) })
  t.ok(again.length < shares.length + 10)
  await equalsRebuilt(t, sql, now)

  await t.rejects(update(sql, { signal: AbortSignal.abort(reason) }), reason)
})

t.test('what is older than the retention is dropped, the traffic table is not touched', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  await insertTraffic(sql, 'request_logs', oddTraffic(1000, 600, 12))
  await update(sql, { now: minutesAfterStart(600) })
  const now = new Date(minutesAfterStart(300).getTime() + 86_400_000)
  await update(sql, { now, retentionDays: 1 })
  const { minutes, endpoints } = await everything(sql)
  for (const rows of [minutes, endpoints])
    t.ok(rows.every(({ minute }) => minute >= minutesAfterStart(300 - 60)))
  t.not(minutes.length, 0)
  t.same(await sql`select count(*)::int as n from request_logs`, [{ n: 1000 }])
})

t.test('rollups that were emptied or dropped are made anew', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  await insertTraffic(sql, 'request_logs', oddTraffic(1000, 60, 13))
  await update(sql)
  const before = await everything(sql)
  await emptyRollups(sql)
  await update(sql)
  t.same(await everything(sql), before)
  await sql`truncate aegis_ml_rollup_minutes`
  await update(sql)
  t.same(await everything(sql), before)
  const tables = await rollupTables(sql)
  for (const { name } of tables) {
    await sql`drop table ${sql(name)}`
    await update(sql)
    t.same(await everything(sql), before, `without ${name}`)
  }
  t.same(await rollupTables(sql), tables, 'no other table is made')
})

t.test('years without a row are skipped, also within a recorded range', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  const rows = oddTraffic(200, 60, 14)
  const year = 365 * 86_400_000
  const later = rows.map((row) => ({ ...row, timestamp: new Date(row.timestamp.getTime() + 3 * year) }))
  await insertTraffic(sql, 'request_logs', [...rows, ...later])
  const options = { now: new Date(minutesAfterStart(60).getTime() + 3 * year), retentionDays: 4000 }
  const count = async () => {
    let chunks = 0
    await update(sql, { ...options, onProgress: () => chunks++ })
    return chunks
  }
  t.ok((await count()) < 12)
  t.ok((await everything(sql)).minutes.length > 60)
  await recordTouchedRange(sql, 'request_logs', { from: START, to: options.now })
  t.ok((await count()) < 24)
  await equalsRebuilt(t, sql, options.now, options.retentionDays)
})

t.test('a clock that is set back does not stop the rollups', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  await insertTraffic(sql, 'request_logs', oddTraffic(1000, 120, 15))
  await update(sql, { now: new Date(minutesAfterStart(0).getTime() + 365 * 86_400_000), retentionDays: 4000 })
  await update(sql, { now: minutesAfterStart(60) })
  await insertTraffic(
    sql,
    'request_logs',
    oddTraffic(1000, 50, 16).map((row) => ({
      ...row,
      timestamp: new Date(row.timestamp.getTime() + 61 * 60_000),
    })),
  )
  await update(sql, { now: minutesAfterStart(120) })
  await equalsRebuilt(t, sql, minutesAfterStart(120))
})

t.test('a table without an index on its timestamp works, and it is said how to make one', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  await sql`alter table request_logs drop constraint request_logs_pkey`
  await insertTraffic(sql, 'request_logs', oddTraffic(500, 60, 17))
  const warnings: string[] = []
  const log = { info: () => undefined, warn: (_: object, message: string) => void warnings.push(message) }
  await update(sql, { log })
  t.equal(warnings.length, 1)
  t.match(warnings[0], 'CREATE INDEX CONCURRENTLY ON request_logs ("timestamp")')
  await sql.unsafe('CREATE INDEX CONCURRENTLY ON request_logs ("timestamp")')
  await update(sql, { log })
  t.equal(warnings.length, 1)
  await equalsRebuilt(t, sql)
})

t.test('columns that are missing are named, a missing table too', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  await sql`alter table request_logs drop column user_id, drop column path`
  const error = await update(sql).then(
    () => undefined,
    (error: unknown) => error,
  )
  t.ok(error instanceof TrafficTableError)
  t.match(error, { table: 'request_logs', problem: /lacks the columns path, user_id/ })
  t.match((error as Error).message, 'The table request_logs lacks the columns path, user_id')
  await sql`drop table request_logs`
  await t.rejects(update(sql), { code: '42P01' })
  t.same((await sql`select count(*)::int as n from (${updateConnections(sql)}) locks`)[0], { n: 0 })
})

const rollupTables = (sql: Sql) => sql<{ name: string }[]>`
  select tablename as name from pg_tables where tablename like 'aegis_ml_rollup_%' or tablename like 'aegis_ml_touched_%'
  order by 1`
