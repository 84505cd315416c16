import type { Sql } from 'postgres'
import t, { type Test } from 'tap'
import { eventually } from '../../eventually.js'
import { migrate } from '../../../db/migrate.js'
import { minuteFigures, updateRollups } from '../../../db/traffic/rollups.js'
import { silentLog, testDatabase } from '../../postgres.js'
import { databaseFlags, runScript, startScript } from '../cli/process.js'
import { DAY_MS, MINUTE_MS } from '../../../models/traffic/durations.js'

const SCRIPT = 'generate-synthetic-data'
const SMALL = ['--days', '1', '--base-rps', '0.1']
const NOTHING = ['--days', '1', '--base-rps', '1e-9']

const run = (...args: string[]) => runScript(SCRIPT, args)

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

t.test('rows land in the traffic table, are counted, and training finds them', async (t) => {
  const { sql, insert } = await database(t)
  const ended = await insert('--days', '1', '--base-rps', '0.5', '--seed', '9')
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
  const { samples: figures } = await minuteFigures(
    sql,
    table,
    { from: new Date(to.getTime() - 3 * DAY_MS), to },
    signal,
  )
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
  const { samples: figures } = await minuteFigures(sql, 'request_logs', range, new AbortController().signal)
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
  await eventually(async () => {
    const [row] = await sql`select pg_relation_size('request_logs') as size`
    return Number(row!['size']) > 1_000_000
  })
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
  await eventually(async () => (await own()).length === 0)
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

t.test('not one request is exit code 1 there too', async (t) => {
  const { sql, insert } = await database(t)
  t.match(await insert(...NOTHING), { code: 1, stderr: /no data/ })
  t.same(await left(sql), { rows: 0, ranges: 0 })
})
