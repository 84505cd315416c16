import t from 'tap'
import { emptyEntry, type LogEntry } from '../../../../formats/access-log/log-entry.js'
import { LOG_COLUMNS, requestRows } from '../../../../db/traffic/rows/log-row.js'
import type { TrafficTable } from '../../../../db/traffic/table.js'

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

function row(over: Partial<LogEntry> = {}, table: TrafficTable = 'request_logs') {
  const line = requestRows(table).line({ ...entry, ...over }, ID)
  const cells = line.slice(0, -1).split('\t')
  return Object.fromEntries(LOG_COLUMNS[table].map((column, i) => [column, cells[i]]))
}

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

t.test('what the log does not say is null', async (t) => {
  const nothing = {
    method: null,
    path: null,
    status: null,
    latencyMs: null,
    client: null,
    user: null,
    agent: null,
  }
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
