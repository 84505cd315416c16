import t from 'tap'
import { emptyEntry, type LogEntry } from '../../../../formats/access-log/log-entry.js'
import { requestRows as rowsOf } from '../../../../db/traffic/rows/log-row.js'
import type { TableColumn, TableShape } from '../../../../db/table-columns.js'
import type { TrafficTable } from '../../../../db/traffic/table.js'

/** The tables as the service makes them, where a table is not given with other columns. */
const column = (name: string, type: string, maxLength = Infinity) => ({
  name,
  type,
  maxLength,
  isRequired: false,
})
const SHARED = [
  column('timestamp', 'timestamp with time zone'),
  column('request_id', 'uuid'),
  column('method', 'character varying', 10),
  column('path', 'text'),
  column('status_code', 'integer'),
  column('ip_address', 'inet'),
  column('user_agent', 'text'),
]
const COLUMNS = {
  request_logs: [
    ...SHARED,
    column('user_id', 'character varying', 255),
    column('response_time_ms', 'integer'),
  ],
  request_metrics: [
    ...SHARED,
    column('user_id', 'character varying', 128),
    column('duration_ms', 'integer'),
    column('bytes_out', 'bigint'),
    column('rate_limited', 'boolean'),
  ],
}

const shapeOf = (columns: readonly TableColumn[], timeZone = 'UTC'): TableShape => ({
  kind: 'r',
  columns: new Map(columns.map((each) => [each.name, each])),
  timeZone,
})

const requestRows = (table: TrafficTable, shape = shapeOf(COLUMNS[table])) => rowsOf(table, shape)

const ID = '00000000-0000-5000-8000-000000000000'
const entry: LogEntry = {
  ...emptyEntry(),
  timeMs: Date.UTC(2015, 4, 17, 8, 5, 3),
  method: 'GET',
  path: '/a',
  status: 429,
  latencyMs: 12,
  client: '192.0.2.1:80',
  user: 'ada',
  agent: 'curl',
  bytes: 512,
}

function row(over: Partial<LogEntry> = {}, table: TrafficTable = 'request_logs', shape?: TableShape) {
  const rows = requestRows(table, shape)
  const cells = rows
    .line({ ...entry, ...over }, ID)
    .slice(0, -1)
    .split('\t')
  return Object.fromEntries(rows.columns.map((name, i) => [name, cells[i]]))
}

t.test('a path has its host before it where that is wished and known', async (t) => {
  const shape = shapeOf(COLUMNS.request_logs)
  const pathOf = (over: Partial<LogEntry>, withHosts = true) => {
    const rows = rowsOf('request_logs', shape, withHosts)
    return rows.line({ ...entry, ...over }, ID).split('\t')[rows.columns.indexOf('path')]
  }
  t.equal(pathOf({ host: 'shop.example.com:443' }), 'http://shop.example.com:443/a')
  t.equal(pathOf({ host: '[2001:db8::1]:80' }), 'http://[2001:db8::1]:80/a')
  for (const host of [null, '', '-', '_', 'a b', 'a/b', 'x'.repeat(300), '{bad}', 'a\tb'])
    t.equal(pathOf({ host }), '/a')
  t.equal(pathOf({ host: 'shop.example.com', path: '*' }), '*')
  t.equal(pathOf({ host: 'shop.example.com', path: null }), '\\N')
  t.equal(pathOf({ host: 'shop.example.com' }, false), '/a')
})

t.test('a cell for each column of either table', async (t) => {
  const shared = {
    timestamp: '2015-05-17T08:05:03.000Z',
    request_id: ID,
    method: 'GET',
    path: '/a',
    status_code: '429',
    user_id: 'ada',
    ip_address: '192.0.2.1',
    user_agent: 'curl',
  }
  t.strictSame(row(), { ...shared, response_time_ms: '12' })
  const metrics = { ...shared, duration_ms: '12', bytes_out: '512', rate_limited: 'true' }
  t.strictSame(row({}, 'request_metrics'), metrics)
  t.match(row({ status: 200, bytes: null }, 'request_metrics'), { bytes_out: '\\N', rate_limited: 'false' })
})

const nothing = {
  method: null,
  path: null,
  status: null,
  latencyMs: null,
  client: null,
  user: null,
  agent: null,
}

t.test('where a column takes no null, what is unknown has a value that counts as unknown', async (t) => {
  const required = shapeOf(COLUMNS.request_logs.map((each) => ({ ...each, isRequired: true })))
  t.match(row(nothing, 'request_logs', required), {
    method: '',
    path: '',
    status_code: '0',
    response_time_ms: '-1',
    ip_address: '0.0.0.0',
    user_id: '',
  })
})

t.test('a column without a time zone holds the time of the session, daylight saving included', async (t) => {
  const columns = [column('timestamp', 'timestamp without time zone'), ...COLUMNS.request_logs.slice(1)]
  const at = (time: string, zone: string) =>
    row({ timeMs: Date.parse(time) }, 'request_logs', shapeOf(columns, zone))['timestamp']
  t.equal(at('2026-01-31T23:30:00.250Z', 'Europe/Berlin'), '2026-02-01T00:30:00.250')
  t.equal(at('2026-07-01T12:00:59Z', 'Europe/Berlin'), '2026-07-01T14:00:59.000')
  t.equal(at('2026-07-01T00:15:00Z', 'Asia/Kathmandu'), '2026-07-01T06:00:00.000')
  t.equal(at('1969-12-31T23:59:59.999Z', 'America/New_York'), '1969-12-31T18:59:59.999')
  t.equal(at('2026-07-01T12:00:59Z', 'UTC'), '2026-07-01T12:00:59.000Z')
})

t.test('what the log does not say is null', async (t) => {
  const { timestamp, request_id, ...rest } = row(nothing)
  t.ok(timestamp && request_id)
  t.ok(Object.values(rest).every((cell) => cell === '\\N'))
})

t.test('nothing breaks the line, nor its columns, nor the index', async (t) => {
  t.equal(
    requestRows('request_logs')
      .line({ ...entry, agent: 'a\tb\nc\\d\0e' }, ID)
      .split('curl').length,
    1,
  )
  t.match(
    requestRows('request_logs').line({ ...entry, agent: 'a\tb\nc\\d\0e' }, ID),
    'a\\\tb\\\nc\\\\d\ufffde',
  )
  const hostile = '\t\n\r\\\0'
  const safe = '\\\t\\\n\\\r\\\\\ufffd'
  for (const field of ['method', 'path', 'user', 'agent'] as const) {
    const line = requestRows('request_logs').line({ ...entry, [field]: hostile }, ID)
    t.equal(line.split(safe).length, 2, field)
    t.notOk(line.includes(hostile), field)
  }
  t.equal(row({ client: `192.0.2.1${hostile}` })['ip_address'], '\\N')
  t.equal(row({ client: `::1%${hostile}` })['ip_address'], '::1')
  t.equal(row({ method: 'BASELINE-CONTROL' })['method'], 'BASELINE-C')
  t.equal(row({ user: 'u'.repeat(300) })['user_id']!.length, 255)
  t.equal(row({ user: 'u'.repeat(300) }, 'request_metrics')['user_id']!.length, 128)
  t.equal(Buffer.byteLength(row({ path: `/${'é'.repeat(3000)}` })['path']!), 1999)
  t.equal(row({ path: `/${'x'.repeat(3000)}` })['path']!.length, 2000)
  t.equal(row({ latencyMs: 1e12 })['response_time_ms'], String(2 ** 31 - 1))
})

t.test('requests without an address are counted', async (t) => {
  const rows = requestRows('request_logs')
  rows.line(entry, ID)
  rows.line({ ...entry, client: 'host.example.com' }, ID)
  rows.line({ ...entry, client: null }, ID)
  t.equal(rows.withoutAddress, 2)
})
