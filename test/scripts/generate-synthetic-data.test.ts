import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parse } from 'csv-parse/sync'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import type { Sql } from 'postgres'
import t, { type Test } from 'tap'
import { migrate } from '../../db/migrate.js'
import { minuteFigures, updateRollups } from '../../db/queries/rollups.js'
import { ANOMALY_TYPES } from '../../models/anomaly/verdict.js'
import { AGGREGATE_COLUMNS } from '../../models/synthetic/request-aggregates.js'
import { silentLog, testDatabase } from '../postgres.js'
import { databaseFlags, runScript, startScript } from './cli/process.js'

const SCRIPT = 'generate-synthetic-data'
const SMALL = ['--days', '1', '--base-rps', '0.1']
const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

const run = (...args: string[]) => runScript(SCRIPT, args)

async function folder(t: Test): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'aegis-ml-test-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  return path
}

async function database(t: Test) {
  const { sql, connection } = await testDatabase(t)
  const flags = [...databaseFlags(connection), '--insert-db']
  return { sql, flags, insert: (...args: string[]) => run(...flags, ...args) }
}

async function left(sql: Sql) {
  const [row] = await sql<[{ rows: number; ranges: number }]>`select
    (select count(*)::int from request_logs) as rows,
    (select count(*)::int from aegis_ml_touched_ranges) as ranges`
  return { ...row }
}

type Row = Record<string, unknown>
const csv = (text: string) => parse(text, { columns: true }) as Record<string, string>[]

t.test('requests as CSV on standard output, and nothing else', async (t) => {
  const before = Date.now()
  const { code, stdout, stderr } = await run(...SMALL)
  t.same({ code, stderr }, { code: 0, stderr: '' })
  const rows = csv(stdout)
  t.ok(rows.length > 5000, `${rows.length} rows`)
  const times = rows.map((row) => Date.parse(row['timestamp']!))
  t.ok(times.every((time, i) => i === 0 || time >= times[i - 1]!))
  const end = Math.floor(before / MINUTE_MS) * MINUTE_MS
  t.ok(
    times[0]! >= end - DAY_MS && times.at(-1)! < end + MINUTE_MS,
    'it ends with the minute before this one',
  )
  t.match(rows[0], { method: /^[A-Z]+$/, path: /^\//, status_code: /^\d+$/, response_time_ms: /^\d+$/ })
})

t.test('the three formats hold the same cells, of both types and tables', async (t) => {
  const path = await folder(t)
  for (const what of [
    ['--type', 'requests'],
    ['--table', 'request_metrics'],
    ['--type', 'aggregated', '--bucket', '15m'],
  ]) {
    const read: Row[][] = []
    // Data that ends with another minute is other data.
    for (let attempt = 0; attempt < 3; attempt++) {
      read.length = 0
      const minute = Math.floor(Date.now() / MINUTE_MS)
      for (const format of ['csv', 'json', 'parquet']) {
        const file = join(path, `x.${format}`)
        const ended = await run(...SMALL, ...what, '--format', format, '--output', file)
        t.match(ended, { code: 0, stdout: '', stderr: / requests from .* to .*They are in .*x\./ })
        read.push(await readRows(file, format))
      }
      if (Math.floor(Date.now() / MINUTE_MS) === minute) break
    }
    t.ok(read[0]!.length > 50)
    t.strictSame(texts(read[1]!), read[0], `${what.join(' ')}: JSON as CSV`)
    t.strictSame(texts(read[2]!), read[0], `${what.join(' ')}: Parquet as CSV`)
  }
})

async function readRows(file: string, format: string): Promise<Row[]> {
  if (format === 'parquet') return parquetReadObjects({ file: await asyncBufferFromFile(file) })
  const text = await readFile(file, 'utf8')
  return format === 'json' ? (JSON.parse(text) as Row[]) : csv(text)
}

/** Cells as CSV has them. */
function texts(rows: Row[]): Row[] {
  const text = (value: unknown) => {
    if (value === null) return ''
    return value instanceof Date ? value.toISOString() : String(value)
  }
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, text(value)])),
  )
}

t.test('aggregated rows have the columns of the export, and are labelled', async (t) => {
  const { stdout } = await run(
    '--days',
    '7',
    '--base-rps',
    '0.5',
    '--type',
    'aggregated',
    '--anomaly-rate',
    '0.2',
  )
  const rows = csv(stdout)
  t.same(
    Object.keys(rows[0]!),
    AGGREGATE_COLUMNS.map(({ name }) => name),
  )
  t.same(new Set(rows.map((row) => row['label'])), new Set(['', ...ANOMALY_TYPES]))
  const share = rows.filter((row) => row['label'] !== '').length / rows.length
  t.ok(Math.abs(share - 0.2) < 0.03, `${share} of the minutes`)
  const quiet = await run(...SMALL, '--type', 'aggregated', '--anomaly-rate', '0')
  t.ok(csv(quiet.stdout).every((row) => row['label'] === ''))
})

t.test('the seed and the flags for amounts are heeded', async (t) => {
  const count = async (...args: string[]) => csv((await run('--days', '1', ...args)).stdout).length
  const usual = await count('--base-rps', '0.2')
  t.ok((await count('--base-rps', '0.4')) > 1.7 * usual)
  t.ok((await count('--base-rps', '0.2', '--seed', '7')) !== usual)
  t.ok((await count('--base-rps', '0.2', '--days', '3')) > 2 * usual)
})

t.test('rows land in the traffic table, are counted, and training finds them', async (t) => {
  const { sql, insert } = await database(t)
  const ended = await insert('--days', '2', '--base-rps', '0.5', '--seed', '9')
  t.match(ended, { code: 0, stdout: '', stderr: /They are in request_logs, [\d,]+ rows\./ })
  const said = Number(/([\d,]+) rows/.exec(ended.stderr)![1]!.replaceAll(',', ''))
  t.same(await left(sql), { rows: said, ranges: 1 })
  const [found] = await sql<[{ paths: number; users: number; addresses: number; ids: number; late: number }]>`
    select count(distinct path)::int as paths, count(distinct user_id)::int as users,
      count(distinct host(ip_address))::int as addresses, count(distinct request_id)::int as ids,
      count(*) filter (where timestamp >= date_trunc('minute', now()))::int as late
    from request_logs`
  t.ok(found.paths > 1000 && found.users > 500 && found.addresses > 500)
  t.same([found.ids, found.late], [said, 0])
  const to = new Date(Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS)
  const signal = new AbortController().signal
  const table = 'request_logs'
  const window = { retentionDays: 90, lookBackMinutes: 60 }
  await updateRollups(sql, { table, now: new Date(), ...window, signal, log: silentLog })
  const figures = await minuteFigures(sql, table, { from: new Date(to.getTime() - 3 * DAY_MS), to }, signal)
  const [minutes] =
    await sql`select count(distinct date_trunc('minute', timestamp))::int as n from request_logs`
  t.equal(figures.length / 5, minutes!['n'])
})

t.test('late rows are found too: the range that was touched is on record', async (t) => {
  const { sql, insert } = await database(t)
  await migrate(sql)
  const now = new Date()
  const update = () =>
    updateRollups(sql, {
      table: 'request_logs',
      now,
      retentionDays: 90,
      lookBackMinutes: 5,
      signal: new AbortController().signal,
      log: silentLog,
    })
  await sql`insert into request_logs (timestamp, method, path, status_code, response_time_ms)
    values (now() - interval '2 minutes', 'GET', '/', 200, 5)`
  await update()
  t.match(await insert('--days', '1', '--base-rps', '0.1'), { code: 0 })
  await update()
  const range = { from: new Date(now.getTime() - 2 * DAY_MS), to: now }
  const figures = await minuteFigures(sql, 'request_logs', range, new AbortController().signal)
  t.ok(figures.length / 5 > 1300, `${figures.length / 5} minutes`)
})

t.test('--table request_metrics; the table that TRAFFIC_TABLE names is the default', async (t) => {
  const { sql, flags } = await database(t)
  t.match(await run(...flags, ...SMALL, '--table', 'request_metrics'), { code: 0 })
  const env = { TRAFFIC_TABLE: 'request_metrics' }
  t.match(await runScript(SCRIPT, [...flags, ...SMALL], { env }), { code: 0, stderr: /request_metrics/ })
  const [row] = await sql`select count(distinct tier)::int as tiers, bool_or(cached) as cached,
    count(*) filter (where rate_limited)::int as limited, count(*) filter (where status_code = 429)::int as status
    from request_metrics`
  t.match(row, { tiers: 5, cached: true })
  t.equal(row!['limited'], row!['status'])
  t.same(await left(sql), { rows: 0, ranges: 2 })
})

t.test('what makes no sense is exit code 2, on one line that says what is allowed', async (t) => {
  const cases: [string[], RegExp][] = [
    [['--days', '0'], /--days is "0"; allowed is a whole number from 1 to 365/],
    [['--days', '1e9'], /--days is "1e9"/],
    [['--days', '366'], /--days/],
    [['--type', 'hourly'], /--type is "hourly"; allowed is one of requests, aggregated/],
    [['--bucket', '2m'], /--bucket is "2m"; allowed is one of 1m/],
    [['--base-rps', '0'], /--base-rps is "0"/],
    [['--base-rps', '100001'], /--base-rps/],
    [['--base-rps', 'Infinity'], /--base-rps/],
    [['--anomaly-rate', '0.51'], /--anomaly-rate is "0.51"; allowed is a number from 0 to 0.5/],
    [['--anomaly-rate', '-0.1'], /--anomaly-rate/],
    [['--seed', '4294967296'], /--seed/],
    [['--seed', '1.5'], /--seed/],
    [['--format', 'xml'], /--format is "xml"/],
    [['--table', 'users'], /--table/],
    [['--insert-db', '--type', 'aggregated'], /the traffic table holds single requests/],
    [['--insert-db', '--output', 'x.csv'], /--insert-db and --output exclude each other/],
    [['--insert-db', '--format', 'csv'], /--insert-db and --format exclude each other/],
    [['--output', '/nowhere/x.csv'], /\/nowhere\/x\.csv cannot be written: there is no such folder/],
    [['--output', tmpdir()], /is a folder/],
    [['extra'], /too many arguments/],
  ]
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await run(...args)
    t.match({ code, stdout, stderr }, { code: 2, stdout: '', stderr: message }, args.join(' '))
    t.match(stderr, /^generate-synthetic-data: .* See --help\.\n$/)
  }
})

t.test('not one request is exit code 1, and nothing is left of it', async (t) => {
  const nothing = ['--days', '1', '--base-rps', '1e-9']
  const path = await folder(t)
  t.match(await run(...nothing, '--output', join(path, 'x.csv')), {
    code: 1,
    stderr: /no data: not one request/,
  })
  t.same(await readdir(path), [])
  const { sql, insert } = await database(t)
  t.match(await insert(...nothing), { code: 1, stderr: /no data/ })
  t.same(await left(sql), { rows: 0, ranges: 0 })
})

t.test('a database that is away, or refuses a row, is exit code 3, and nothing is left', async (t) => {
  const away = await run(
    '--insert-db',
    '--db-host',
    '127.0.0.1',
    '--db-port',
    '1',
    '--db-password',
    'hushhush',
  )
  t.match(away, { code: 3, stdout: '', stderr: /the database: .*ECONNREFUSED/ })
  t.notMatch(away.stderr, /hushhush|at .*\.js/)
  const { sql, insert } = await database(t)
  await migrate(sql)
  await sql`alter table request_logs add constraint no_errors check (status_code < 500)`
  t.match(await insert(...SMALL), { code: 3, stderr: /the database: .*"no_errors"/ })
  t.same(await left(sql), { rows: 0, ranges: 0 })
  await sql`alter table request_logs drop column user_agent`
  t.match(await insert(...SMALL), { code: 3, stderr: /column "user_agent" .*does not exist/ })
})

/** Resolves when rows are on their way; what is not committed shows in the size of the table alone. */
async function copying(sql: Sql): Promise<void> {
  for (;;) {
    const [row] = await sql`select pg_relation_size('request_logs') as size`
    if (Number(row!['size']) > 1_000_000) return
    await delay(20)
  }
}

t.test('stopped or killed while it inserts, it leaves no row and no range', async (t) => {
  const { sql, flags } = await database(t)
  await migrate(sql)
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGKILL', 'SIGKILL'],
  ] as const) {
    await sql`truncate request_logs`
    const { child, ended } = startScript(SCRIPT, [...flags, '--days', '365'])
    await copying(sql)
    child.kill(signal)
    const { code: found, stderr } = await ended
    t.equal(found, code)
    if (signal !== 'SIGKILL') t.match(stderr, /stopped by SIG.*nothing unfinished is left/)
    await gone(sql)
    t.same(await left(sql), { rows: 0, ranges: 0 }, signal)
  }
})

async function gone(sql: Sql): Promise<void> {
  const own = () => sql`select 1 from pg_stat_activity
    where datname = current_database() and application_name = 'aegis-ml script'`
  while ((await own()).length > 0) await delay(20)
}

t.test('a server that stops in the middle is exit code 3', async (t) => {
  const { sql, flags } = await database(t)
  await migrate(sql)
  const { ended } = startScript(SCRIPT, [...flags, '--days', '365'])
  await copying(sql)
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'aegis-ml script'`
  t.match(await ended, { code: 3, stderr: /^generate-synthetic-data: the database: .*\n$/ })
  t.same(await left(sql), { rows: 0, ranges: 0 })
})

t.test('stopped while it writes a file, it leaves the one that was there', async (t) => {
  const path = await folder(t)
  const file = join(path, 'x.csv')
  await writeFile(file, 'old')
  for (const type of ['requests', 'aggregated']) {
    const args = ['--days', '365', '--base-rps', '1000', '--bucket', '1d', '--type', type, '--output', file]
    const { child, ended } = startScript(SCRIPT, args)
    while ((await readdir(path)).length < 2) await delay(20)
    child.kill('SIGINT')
    t.match(await ended, { code: 130, stderr: /stopped by SIGINT/ })
    t.same(await readdir(path), ['x.csv'])
    t.equal(await readFile(file, 'utf8'), 'old')
  }
})

t.test('a full disk is said, and a reader that hangs up ends it quietly', async (t) => {
  for (const format of ['csv', 'json', 'parquet']) {
    const ended = await run(...SMALL, '--format', format, '--output', '/dev/full')
    t.match(ended, { code: 70, stdout: '', stderr: /\/dev\/full .* the disk is full/ }, format)
  }
  const { child, ended } = startScript(SCRIPT, ['--days', '365'])
  child.stdout!.once('data', () => child.stdout!.destroy())
  t.match(await ended, { code: 141, stderr: '' })
})

t.test('--help explains, with examples, by both ways in', async (t) => {
  for (const ended of [await run('--help'), await runScript('aegis-ml', [SCRIPT, '--help'])]) {
    t.match(ended, { code: 0, stdout: /--anomaly-rate[^]*Examples:/, stderr: '' })
  }
})
