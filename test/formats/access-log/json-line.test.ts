import t from 'tap'
import type { JsonNames } from '../../../formats/access-log/json-fields.js'
import { createJsonParser } from '../../../formats/access-log/json-line.js'
import { emptyEntry, type LogEntry } from '../../../formats/access-log/log-entry.js'

function read(line: unknown, names: JsonNames = {}): LogEntry | string {
  const entry = emptyEntry()
  const text = typeof line === 'string' ? line : JSON.stringify(line)
  return createJsonParser({ names })(text, entry) ?? entry
}

const expected = {
  timeMs: Date.UTC(2015, 4, 17, 8, 5, 3),
  method: 'GET',
  path: '/a',
  status: 200,
  latencyMs: 123,
  client: '192.0.2.1',
  user: 'ada',
  agent: 'curl/8.0',
  bytes: 512,
  host: null,
  isCut: false,
}

t.test('NGINX with the names of its variables', async (t) => {
  const line = {
    time_local: '17/May/2015:10:05:03 +0200',
    remote_addr: '192.0.2.1',
    remote_user: 'ada',
    request: 'GET /a?b=1 HTTP/1.1',
    status: '200',
    body_bytes_sent: '512',
    http_user_agent: 'curl/8.0',
    request_time: '0.123',
  }
  t.strictSame(read(line), expected)
  t.strictSame(read({ ...line, time_local: undefined, time_iso8601: '2015-05-17T10:05:03+02:00' }), expected)
  t.strictSame(read({ ...line, time_local: undefined, msec: '1431849903.000' }), expected)
})

t.test('a gateway with names of its kind', async (t) => {
  const line = {
    timestamp: 1431849903000,
    client_ip: '192.0.2.1',
    user_id: 'ada',
    method: 'GET',
    path: '/a?b=1',
    status_code: 200,
    bytes: 512,
    user_agent: 'curl/8.0',
    duration_ms: 122.7,
  }
  t.strictSame(read(line), expected)
  t.strictSame(read({ ...line, timestamp: 1431849903 }), expected)
  t.strictSame(read({ ...line, user_id: 17 }), { ...expected, user: '17' })
})

t.test('sizes and times are whole numbers', async (t) => {
  const line = { time: 1431849903, status: 200, path: '/' }
  t.match(read({ ...line, bytes: 12.5, duration_ms: 0.4 }), { bytes: 13, latencyMs: 0 })
  t.match(read({ ...line, bytes: '12.4', request_time: 0.0126 }), { bytes: 12, latencyMs: 13 })
  t.match(read({ ...line, bytes: 0, request_time: 0 }), { bytes: 0, latencyMs: 0 })
})

t.test('names that are given, also within objects and with dots', async (t) => {
  const line = {
    when: '2015-05-17T08:05:03Z',
    request: { uri: '/a?b=1', verb: 'GET' },
    'http.code': 200,
    took: 0.123,
  }
  const names = { timestamp: 'when', method: 'request.verb', status: 'http.code', latency_s: 'took' }
  t.strictSame(read(line, names), { ...expected, client: null, user: null, agent: null, bytes: null })
  t.match(read(line, { ...names, path: 'target' }), /no path/, 'the usual names do not count then')
})

t.test('what is missing is null, but for time, status and path', async (t) => {
  const least = { time: '2015-05-17T08:05:03Z', status: 200, path: '/a?b=1' }
  const bare = {
    ...expected,
    method: null,
    client: null,
    user: null,
    agent: null,
    bytes: null,
    latencyMs: null,
  }
  t.strictSame(read(least), bare)
  t.strictSame(read({ ...least, request_time: '-', remote_user: '-', bytes: -1, client_ip: '' }), bare)
  t.strictSame(read({ ...least, status: '-' }), { ...bare, status: null })
  t.strictSame(read({ ...least, path: 'https://example.com/a' }), {
    ...bare,
    path: '/a',
    host: 'example.com',
  })
})

t.test('the escapes of NGINX without escape=json, and bytes of UTF-8', async (t) => {
  const line =
    '{"time":"2015-05-17T08:05:03Z","status":200,"path":"/\\x22\\xC3\\xA9","user_agent":"\xc3\xa9"}'
  const entry = read(line) as LogEntry
  t.equal(entry.path, '/"é')
  t.equal(entry.agent, 'é')
})

t.test('why a line cannot be read', async (t) => {
  const reasons: [unknown, RegExp][] = [
    ['{"time":"2015', /no JSON object/],
    ['[1]', /no JSON object/],
    ['null', /no JSON object/],
    ['plain', /no JSON object/],
    [{ level: 'info', message: 'started' }, /no timestamp/],
    [{ time: 'now', status: 200, path: '/' }, /a timestamp that cannot be read/],
    [{ time: 1431849903, path: '/' }, /no status/],
    [{ time: 1431849903, path: '/', status: 'OK' }, /a status that cannot be read/],
    [{ time: 1431849903, path: '/', status: 20000 }, /a status that cannot be read/],
    [{ time: 1431849903, status: 200 }, /no path and no request/],
    [{ time: 1431849903, status: 200, path: 7 }, /no path and no request/],
    [{ time: 1431849903, status: 200, path: '/', method: 'GE\tT' }, /a method that is none/],
    [{ time: 1431849903, status: 200, path: '/', method: '\\' }, /a method that is none/],
    [{ time: 1431849903, status: 200, path: '/', method: 'GET\n' }, /a method that is none/],
    [{ time: 1431849903, status: 200, path: '/', method: 'GET\0' }, /a method that is none/],
    [{ time: 1431849903, status: 200, path: '/', method: 7 }, /a method that is none/],
  ]
  for (const [line, reason] of reasons) t.match(read(line), reason, JSON.stringify(line))
})
