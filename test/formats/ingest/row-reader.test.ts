import t from 'tap'
import { createFieldMap } from '../../../formats/ingest/field-map.js'
import { mappedRows, RowProblem, strictRows } from '../../../formats/ingest/row-reader.js'
import { rowTimes } from '../../../formats/ingest/row-time.js'

const RANGE = { fromMs: Date.UTC(2026, 0, 1), toMs: Date.UTC(2026, 1, 1) }
const NOON = Date.UTC(2026, 0, 31, 12)
const row = { timestamp: '2026-01-31T12:00:00Z', method: 'GET', path: '/', status_code: 200 }

const mapped = (given: object, map?: string) => mappedRows(RANGE, createFieldMap(map, undefined))(given)

t.test('times are read as gateways and log shippers write them', async (t) => {
  const time = rowTimes()
  const cases: [unknown, number][] = [
    ['2026-01-31T12:00:00.000Z', NOON],
    ['2026-01-31T12:00:59.123Z', NOON + 59_123],
    ['2026-01-31T12:00:00.999Z', NOON + 999],
    ['2026-01-31T12:01:00.000Z', NOON + 60_000],
    ['2026-01-31T12:00:00Z', NOON],
    ['2026-01-31T12:00Z', NOON],
    ['2026-01-31T14:00+02:00', NOON],
    ['2026-01-31T14:00:00.123456+02:00', NOON + 123],
    ['2026-01-31 12:00:00.123456', NOON + 123],
    ['2026-01-31T12:00:00.123456789Z', NOON + 123],
    ['31/Jan/2026:13:00:00 +0100', NOON],
    [NOON, NOON],
    [NOON / 1000, NOON],
    [NOON / 1000 + 0.123, NOON + 123],
    [`${NOON / 1000}.123`, NOON + 123],
    [String(NOON), NOON],
    ['2026-01-31T12:00:60.000Z', NOON + 60_000],
    ['2026-01-31T12:00:0a.000Z', NaN],
    ['2026-02-30T12:00:00.000Z', NaN],
    ['2026-01-31T25:00:00.000Z', NaN],
    ['2026-01-31T12:00:00.000z', NOON],
    ['yesterday', NaN],
    ['', NaN],
    [null, NaN],
    [true, NaN],
    [17, NaN],
    [1e300, NaN],
  ]
  for (const [value, expected] of cases) t.same(time(value), expected, JSON.stringify(value))
})

t.test('numbers may be texts, and null is the same as nothing', async (t) => {
  const read = strictRows(RANGE)
  t.match(read({ ...row, status_code: '404', response_time_ms: ' 12.5 ', user_id: null }), {
    status_code: 404,
    response_time_ms: 12.5,
    user_id: undefined,
  })
  for (const status_code of ['', ' ', '0x1F4', '200abc', '2e400', [200], true]) {
    t.match(read({ ...row, status_code }), { field: 'status_code', reason: 'invalid' }, String(status_code))
  }
})

t.test('a problem names the field, the reason and what was given', async (t) => {
  const read = strictRows(RANGE)
  t.match(read({ ...row, path: undefined }), { field: 'path', reason: 'missing' })
  t.match(read({ ...row, timestamp: '2025-12-31T23:59:59Z' }), {
    field: 'timestamp',
    reason: 'out_of_range',
    value: '2025-12-31T23:59:59Z',
    allowed: 'a time from 2026-01-01T00:00:00.000Z to 2026-02-01T00:00:00.000Z',
  })
  for (const value of [null, 5, 'text', [row], undefined]) {
    t.match(read(value), { field: undefined, reason: 'invalid' }, String(value))
  }
  t.match(mapped({ ...row, uri: 5 }, 'path:uri'), { field: 'path', reason: 'invalid', value: 5 })
})

t.test('a map finds values in objects, in lists and under names with dots', async (t) => {
  const given = {
    time: NOON / 1000,
    request: { method: 'POST', headers: { 'User-Agent': ['curl/8', 'x'] } },
    'url.path': '/a?b=c',
    seconds: '0.25',
    code: '201',
  }
  const map =
    'timestamp:time,method:request.method,path:url.path,status_code:code,' +
    'response_time_ms:seconds*1000,user_agent:request.headers.User-Agent,user_id:nobody|code'
  t.match(mapped(given, map), {
    timestamp: NOON,
    method: 'POST',
    path: '/a',
    status_code: 201,
    response_time_ms: 250,
    user_agent: 'curl/8',
    user_id: '201',
    backend: undefined,
  })
  t.match(mapped(row, 'user_id:constructor.name,backend:__proto__.x'), {
    user_id: undefined,
    backend: undefined,
  })
  t.match(mapped({ ...row, timestamp: NOON * 1e6 }, 'timestamp:timestamp*0.000001'), { timestamp: NOON })
})

t.test('what a client can put into a log does not stop it', async (t) => {
  t.match(
    mapped({
      ...row,
      path: `/${'x'.repeat(3000)}`,
      user_agent: 'x'.repeat(5000),
      user_id: '-',
      ip_address: 'unix:',
      request_id: 'no-uuid',
      response_time_ms: '-',
      backend: 7,
    }),
    {
      path: `/${'x'.repeat(2047)}`,
      user_agent: 'x'.repeat(1024),
      user_id: undefined,
      ip_address: undefined,
      request_id: undefined,
      response_time_ms: undefined,
      backend: '7',
    },
  )
  t.match(mapped({ ...row, path: 'https://example.org/a/b?c#d', status_code: 0, ip_address: '[::1]:443' }), {
    path: '/a/b',
    status_code: 499,
    ip_address: '::1',
  })
  t.match(mapped({ ...row, request_id: '2f6946328ffc4946b8c9120704a4a155' }), {
    request_id: '2f694632-8ffc-4946-b8c9-120704a4a155',
  })
  const line = 'DELETE /a%20b?x=1 HTTP/1.1'
  t.match(mapped({ ...row, line }, 'method:line,path:line'), { method: 'DELETE', path: '/a%20b' })
  t.type(mapped({ ...row, line: '\\x16\\x03' }, 'method:line,path:line'), RowProblem)
})

t.test('a map that cannot be used is refused with the reason', async (t) => {
  for (const [map, message] of [
    ['path', /"path" is not target:source/],
    ['path:', /is not target:source/],
    ['colour:uri', /"colour" is not one of timestamp, method/],
    ['path:a,path:b', /path is there twice/],
    ['path:uri*5', /path takes no factor/],
    ['path:a..b', /"a..b" is not a name/],
    [`path:${'a.'.repeat(10)}b`, /is not a name/],
    ['path:a|', /"" is not a name/],
  ] as const) {
    t.throws(() => createFieldMap(map, undefined), { message }, map)
  }
})
