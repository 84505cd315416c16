import { readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import t from 'tap'
import { readEmbeddedConnection } from '../../db/embedded/embedded-postgres.js'
import { EXPORT_TYPES, trafficColumns } from '../../formats/export/traffic-columns.js'
import { insertRequests, randomRequests } from '../db/traffic/request-rows.js'
import { databaseEnvironment, testDirectory } from '../postgres.js'
import { runScript } from './cli/process.js'
import { folder, FROM, RANGE, SCRIPT, TO, traffic } from './cli/traffic.js'

t.test('CSV on standard output, and nothing else', async (t) => {
  const { run } = await traffic(t)
  const { code, stdout, stderr } = await run(...RANGE, '--bucket', '1h')
  t.same({ code, stderr }, { code: 0, stderr: '' })
  const rows = parse(stdout, { columns: true }) as Record<string, string>[]
  t.equal(rows.length, 24)
  t.same(
    Object.keys(rows[0]!),
    trafficColumns('aggregated').map(({ name }) => name),
  )
  t.equal(rows[0]!['time_bucket'], '2026-03-01T10:00:00.000Z')
  t.match(stdout, /^time_bucket,.*\r\n2026/)
  t.equal(stdout.split('\r\n').length, 26)
})

t.test('the three formats hold the same cells, of every type', async (t) => {
  const { run } = await traffic(t)
  const path = await folder(t)
  for (const type of EXPORT_TYPES) {
    const read: Record<string, unknown>[][] = []
    for (const format of ['csv', 'json', 'parquet']) {
      const file = join(path, `${type}.${format}`)
      const ended = await run(
        ...RANGE,
        '--type',
        type,
        '--bucket',
        '6h',
        '--format',
        format,
        '--output',
        file,
      )
      t.same(ended, { code: 0, stdout: '', stderr: '' })
      read.push((await readRows(file, format)).map((row) => cellsOf(row, type)))
    }
    t.ok(read[0]!.length > 0)
    t.same(read[1], read[2], `${type}: json and parquet`)
    // Texts are guarded in CSV alone.
    const unguarded = read[0]!.map((row) => {
      const texts = ['method', 'path', 'endpoint'].filter((key) => typeof row[key] === 'string')
      return {
        ...row,
        ...Object.fromEntries(texts.map((key) => [key, (row[key] as string).replace(/^'/, '')])),
      }
    })
    t.same(unguarded, read[1], `${type}: csv`)
  }
  t.same((await readdir(path)).length, 12)
})

async function readRows(file: string, format: string): Promise<Record<string, unknown>[]> {
  if (format === 'parquet') return parquetReadObjects({ file: await asyncBufferFromFile(file) })
  const text = await readFile(file, 'utf8')
  return (format === 'json' ? JSON.parse(text) : parse(text, { columns: true })) as Record<string, unknown>[]
}

/** The cells as JSON has them. */
function cellsOf(row: Record<string, unknown>, type: (typeof EXPORT_TYPES)[number]) {
  return Object.fromEntries(
    trafficColumns(type).map(({ name, kind }) => {
      const cell = row[name]
      if (cell instanceof Date) return [name, cell.toISOString()]
      if (cell === null || (cell === '' && kind !== 'text')) return [name, null]
      return [name, kind === 'text' || kind === 'time' ? cell : Number(cell)]
    }),
  )
}

t.test('--days ends with the present minute; --end with a day is its first moment', async (t) => {
  const { run, sql } = await traffic(t, 0)
  await sql`insert into request_logs ("timestamp", status_code) values
    (now() + interval '10 minutes', 200), (date_trunc('minute', now()) - interval '30 seconds', 200),
    (date_trunc('minute', now()) - interval '3 days 2 minutes', 200),
    ('2026-02-01T00:00:00Z', 200), ('2026-02-02T23:59:59.999Z', 200), ('2026-02-03T00:00:00Z', 200)`
  const rows = async (...args: string[]) => (await run(...args)).stdout.split('\r\n').length - 2
  t.equal(await rows('--days', '3'), 1)
  t.equal(await rows('--days', '4'), 2)
  t.equal(await rows(), 2)
  t.equal(await rows('--start', '2026-02-01', '--end', '2026-02-02'), 1)
  t.equal(await rows('--start', '2026/02/01', '--end', '2026/02/03'), 2)
  t.equal(await rows('--start', '2026/02/01 00:00', '--end', '2026/02/02T23:59:59', '--bucket', '1440'), 1)
  t.equal(await rows('--start', '2026-02-01', '--end', '2026-02-03T00:00:00Z'), 2)
  t.equal(await rows('--start', '2026-02-01T01:00+01:00', '--end', '2026-02-01T00:00'), -1, 'an empty range')
  t.equal(await rows('--start', '2026-02-01'), 5)
})

t.test(
  'what callers of the Python script gave is taken: -o, -f, minutes, a folder that is not there',
  async (t) => {
    const { run } = await traffic(t)
    const path = await folder(t)
    const file = join(path, 'new', 'folder', 'x.json')
    const byEndpoint = ['--type', 'endpoint-summary', '-f', 'json', '-o', file]
    t.same(await run(...RANGE, '--bucket', '90', ...byEndpoint), { code: 0, stdout: '', stderr: '' })
    const rows = (await readRows(file, 'json')) as { path: string; endpoint: string }[]
    t.ok(rows.length > 0 && rows.every((row) => row.endpoint === row.path))
    const hourly = await run(...RANGE, '--type', 'hourly')
    const hours = parse(hourly.stdout, { columns: true }) as Record<string, string>[]
    t.ok(hours.length > 0 && hours.every((row) => row['hour_of_day'] === row['hour']))
    const buckets = await run(...RANGE, '--bucket', '90')
    t.equal(buckets.stdout.split('\r\n').length - 2, 17, '24 hours that begin within a bucket')
  },
)

t.test('--stats and --dry-run speak on standard error', async (t) => {
  const { run } = await traffic(t)
  const stats = await run(...RANGE, '--bucket', '1h', '--stats')
  t.match(
    stats.stderr,
    /^24 rows exported\. Table request_logs, from 2026-03-01T10:00:00\.000Z .* 400 requests/,
  )
  const dry = await run(...RANGE, '--bucket', '1h', '--dry-run', '--output', '/nowhere/at/all.csv')
  t.match(dry, {
    code: 0,
    stdout: '',
    stderr: /^24 rows would be exported\. .*\nColumns: time_bucket, total_requests/,
  })
})

t.test('--table names the other table; TRAFFIC_TABLE is the default', async (t) => {
  const { run, sql, flags } = await traffic(t, 0)
  await insertRequests(sql, 'request_metrics', randomRequests(10, FROM, TO, 2))
  t.match(await run(...RANGE, '--table', 'request_logs'), { code: 1, stderr: /request_logs/ })
  t.match(await run(...RANGE), { code: 0, stdout: /2026/ }, 'auto is the table that has rows')
  t.match(await run(...RANGE, '--table', 'request_metrics'), { code: 0, stdout: /2026/ })
  const env = { TRAFFIC_TABLE: 'request_metrics' }
  t.match(await runScript(SCRIPT, [...flags, ...RANGE], { env }), { code: 0 })
})

t.test('the database is that of the environment, as the service has it', async (t) => {
  const { connection } = await traffic(t)
  const env = databaseEnvironment(connection)
  t.match(await runScript(SCRIPT, RANGE, { env }), { code: 0, stdout: /2026/ })
  t.match(await runScript('aegis-ml', [SCRIPT, ...RANGE], { env }), { code: 0, stdout: /2026/ })
})

t.test('no data is exit code 1, with table and range, and no file', async (t) => {
  const { run } = await traffic(t)
  const path = await folder(t)
  const ended = await run('--start', '2020-01-01', '--end', '2020-01-02', '--output', join(path, 'x.csv'))
  t.match(ended, {
    code: 1,
    stdout: '',
    stderr: /request_logs has no requests from 2020-01-01T00:00:00.000Z to 2020-01-02T00/,
  })
  t.same(await readdir(path), [])
})

t.test(
  'what makes no sense is exit code 2, in one line that names the flag and what is allowed',
  async (t) => {
    const cases: [string[], RegExp][] = [
      [['--days', '0'], /--days is "0"; allowed is a whole number from 1 to 3650/],
      [['--days', '1e9'], /--days is "1e9"/],
      [
        ['--bucket', '7m'],
        /--bucket is "7m"; allowed is one of 1m, 5m.*, or a number of minutes from 1 to 1440/,
      ],
      [['--bucket', '1441'], /--bucket is "1441"/],
      [['--bucket', '0'], /--bucket is "0"/],
      [['--bucket', 'constructor'], /--bucket is "constructor"/],
      [['--start', '2026-01/31'], /--start is/],
      [['--type', 'all'], /--type .* one of aggregated/],
      [['--format', 'xml'], /--format .* one of csv, json, parquet/],
      [['--table', 'users'], /--table/],
      [['--db-port', '0'], /--db-port .* 1 to 65535/],
      [['--start', '2026-02-30'], /--start is "2026-02-30"; allowed is a date or an ISO-8601 time/],
      [['--start', '2026-03-02', '--end', '2026-03-01T00:00:00Z'], /--start .* is not before/],
      [['--start', '2999-01-01'], /--start .* is not before the current minute/],
      [['--end', '2026-03-01'], /--end needs --start/],
      [['--days', '3', '--start', '2026-03-01'], /--days and --start exclude each other/],
      [['--frmat', 'csv'], /unknown option '--frmat'.*--format/],
      [
        ['--output', '/dev/null/x.csv'],
        /--output \/dev\/null\/x\.csv cannot be written: the folder is a file/,
      ],
      [['--output', '/proc/none/x.csv'], /--output \/proc\/none\/x\.csv cannot be written/],
      [['--output', tmpdir()], /--output .* is a folder/],
      [['extra'], /too many arguments/],
    ]
    for (const [args, message] of cases) {
      const { code, stdout, stderr } = await runScript(SCRIPT, args)
      t.match({ code, stdout, stderr }, { code: 2, stdout: '', stderr: message }, args.join(' '))
      t.match(stderr, /^export-training-data: .* See --help\.\n$/)
    }
    const bad = await runScript(SCRIPT, [], { env: { POSTGRES_PORT: 'many' } })
    t.match(bad, { code: 2, stderr: /POSTGRES_PORT is "many"/ })
  },
)

t.test('a database that is away or not as it has to be is exit code 3, without the password', async (t) => {
  const away = await runScript(SCRIPT, [
    '--db-host',
    '127.0.0.1',
    '--db-port',
    '1',
    '--db-password',
    'hushhush',
  ])
  t.match(away, { code: 3, stdout: '', stderr: /the database: .*ECONNREFUSED/ })
  t.notMatch(away.stderr, /hushhush|at .*\.js/)
  t.notMatch((await runScript(SCRIPT, ['--db-passwrd=hushhush'])).stderr, /hushhush/)
  const { sql, run } = await traffic(t)
  await sql`alter table request_logs drop column response_time_ms`
  t.match(await run(...RANGE), { code: 3, stderr: /column "response_time_ms" does not exist/ })
  await sql`drop table request_logs`
  t.match(await run(...RANGE), { code: 3, stderr: /relation "request_logs" does not exist/ })
})

t.test('--help explains, with examples', async (t) => {
  for (const ended of [
    await runScript(SCRIPT, ['--help']),
    await runScript('aegis-ml', [SCRIPT, '--help']),
  ]) {
    t.match(ended, { code: 0, stdout: /--dry-run[^]*Examples:/, stderr: '' })
  }
  t.match(await runScript('aegis-ml', []), { code: 2, stdout: '', stderr: /export-training-data/ })
})

t.test('a full disk is said, and a link or a device is written through', async (t) => {
  const { run } = await traffic(t)
  t.match(await run(...RANGE, '--output', '/dev/full'), {
    code: 70,
    stderr: /\/dev\/full .* the disk is full/,
  })
  t.match(await run(...RANGE, '--output', '/dev/null'), { code: 0, stderr: '' })
  const path = await folder(t)
  await writeFile(join(path, 'file.csv'), 'old')
  await symlink('file.csv', join(path, 'link.csv'))
  t.match(await run(...RANGE, '--output', join(path, 'link.csv')), { code: 0 })
  t.match(await readFile(join(path, 'file.csv'), 'utf8'), /^time_bucket/)
})

t.test(
  'with nothing said about a database it is the one below DATA_PATH, which is left stopped',
  async (t) => {
    const dataPath = await testDirectory(t)
    const env = { DATA_PATH: dataPath }
    t.match(await runScript(SCRIPT, [], { env, cwd: dataPath }), {
      code: 1,
      stderr: /request_logs has no requests/,
    })
    await t.rejects(readEmbeddedConnection(dataPath), { message: /start the service/ })
  },
)
