import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import t, { type Test } from 'tap'
import { eventually } from '../eventually.js'
import { ANOMALY_TYPES } from '../../models/anomaly/verdict.js'
import { AGGREGATE_COLUMNS } from '../../scripts/generate-synthetic-data/request-aggregates.js'
import { runScript, startScript } from './cli/process.js'
import { DAY_MS, MINUTE_MS } from '../../models/traffic/durations.js'

const SCRIPT = 'generate-synthetic-data'
const SMALL = ['--days', '1', '--base-rps', '0.1']

/** Data that ends with another minute is other data. */
const STOPPED_CLOCK = { NODE_OPTIONS: `--import=data:text/javascript,Date.now=()=>${Date.now()}` }

const run = (...args: string[]) => runScript(SCRIPT, args)

async function folder(t: Test): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'aegis-ml-test-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  return path
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
  t.ok(times[0]! >= end - DAY_MS && times.at(-1)! < Date.now(), 'it ends with the minute before this one')
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
    for (const format of ['csv', 'json', 'parquet']) {
      const file = join(path, `x.${format}`)
      const args = [...SMALL, ...what, '--format', format, '--output', file]
      const ended = await runScript(SCRIPT, args, { env: STOPPED_CLOCK })
      t.match(ended, { code: 0, stdout: '', stderr: / requests from .* to .*They are in .*x\./ })
      read.push(await readRows(file, format))
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
  t.ok(rows.every((row) => row['anomaly_type'] === row['label']))
  t.ok(rows.every((row) => row['is_anomaly'] === String(row['label'] !== '')))
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
    [['--insert-db', '--type', 'aggregated'], /the traffic table contains single requests/],
    [['--insert-db', '--output', 'x.csv'], /--insert-db and --output exclude each other/],
    [['--insert-db', '--format', 'csv'], /--insert-db and --format exclude each other/],
    [['--output', '/dev/null/x.csv'], /\/dev\/null\/x\.csv cannot be written: the folder is a file/],
    [['--output', tmpdir()], /is a folder/],
    [['extra'], /too many arguments/],
  ]
  await Promise.all(
    cases.map(async ([args, message]) => {
      const { code, stdout, stderr } = await run(...args)
      t.match({ code, stdout, stderr }, { code: 2, stdout: '', stderr: message }, args.join(' '))
      t.match(stderr, /^generate-synthetic-data: .* See --help\.\n$/)
    }),
  )
})

t.test('not one request is exit code 1, and nothing is left of it', async (t) => {
  const nothing = ['--days', '1', '--base-rps', '1e-9']
  const path = await folder(t)
  t.match(await run(...nothing, '--output', join(path, 'x.csv')), {
    code: 1,
    stderr: /no data: not one request/,
  })
  t.same(await readdir(path), [])
})

t.test('stopped while it writes a file, it leaves the one that was there', async (t) => {
  const path = await folder(t)
  const file = join(path, 'x.csv')
  await writeFile(file, 'old')
  for (const type of ['requests', 'aggregated']) {
    const args = ['--days', '365', '--base-rps', '1000', '--bucket', '1d', '--type', type, '--output', file]
    const { child, ended } = startScript(SCRIPT, args)
    await eventually(async () => (await readdir(path)).length === 2)
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
