import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { sent, type FuzzRequest, type ValidRequest } from './request.js'

type Change = (request: FuzzRequest) => FuzzRequest

/** Requests that are invalid in one place: of the JSON, the bytes, the headers, the query, the path or the method. */
export function mutatedRequest(valid: fc.Arbitrary<ValidRequest>): fc.Arbitrary<FuzzRequest> {
  const change = fc.oneof(
    { arbitrary: otherQuery, weight: 3 },
    { arbitrary: otherHeaders, weight: 1 },
    { arbitrary: otherMethod, weight: 1 },
    { arbitrary: otherPath, weight: 1 },
    { arbitrary: otherBytes, weight: 2 },
  )
  return fc.oneof(
    fc
      .tuple(valid, fc.nat(1000), JUNK, fc.nat(5))
      .map(([request, place, junk, kind]) => otherJson(request, place, junk, kind)),
    fc.tuple(valid, change).map(([request, apply]) => apply(sent(request))),
  )
}

const name =
  (mutation: string, change: (request: FuzzRequest) => Partial<FuzzRequest>): Change =>
  (request) => ({ ...request, ...change(request), mutation })

const LONG = 'x'.repeat(5000)

/** Values that fit no field, or hardly. */
const JUNK: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    '',
    '5',
    -1,
    0,
    1.5,
    1e300,
    -1e300,
    2 ** 53,
    2 ** 63,
    -0,
    [],
    {},
    [[]],
    LONG,
  ),
  fc.constantFrom<unknown>(
    'NaN',
    'Infinity',
    '\u0000',
    '\ud800',
    '2026-13-45T99:99:99Z',
    '1970-01-01',
    'null',
    '-',
  ),
  fc.constantFrom<unknown>(nested(20, 'list'), nested(20, 'object'), Array(300).fill(1), { a: { b: [{}] } }),
  fc.jsonValue({ maxDepth: 3 }),
)

function nested(levels: number, kind: 'list' | 'object'): unknown {
  return levels === 0 ? 1 : kind === 'list' ? [nested(levels - 1, kind)] : { a: nested(levels - 1, kind) }
}

/** The place-th value inside of a JSON value is replaced or removed, or gets company. */
function otherJson(request: ValidRequest, place: number, junk: unknown, kind: number): FuzzRequest {
  const { body, operation } = request
  if (typeof body !== 'object' || body === null || Buffer.isBuffer(body)) {
    return { ...otherParameter(request, place, junk), mutation: 'another parameter' }
  }
  const copy = structuredClone(body) as Record<string, unknown>
  const places = placesOf(copy)
  const [holder, key] = places[place % Math.max(1, places.length)] ?? [copy, 'unknown']
  const target = holder as Record<string, unknown>
  if (kind === 0) Reflect.deleteProperty(target, key)
  else if (kind === 1 && !Array.isArray(target))
    Object.defineProperty(target, STRANGE[place % STRANGE.length]!, { value: junk, enumerable: true })
  else if (kind === 2 && place % 10 === 0)
    return { ...sent({ ...request, body: [copy] }), mutation: 'a list around the body' }
  else if (kind === 2 && place % 10 === 1)
    return { ...sent({ ...request, body: junk ?? [] }), mutation: 'another body' }
  else target[key] = junk
  const { duration_hours: hours } = copy as { duration_hours?: unknown }
  if (
    operation.operationId === 'generateSynthetic' &&
    typeof hours === 'number' &&
    hours > 24 &&
    hours <= 8760
  )
    copy['duration_hours'] = 9000
  return { ...sent({ ...request, body: copy }), mutation: `another value of ${key}` }
}

const STRANGE = ['__proto__', 'constructor', 'toString', 'unknown', '', 'a.b', '$ref', LONG]

/** Every value inside: what holds it, and under which key. */
function placesOf(value: object, depth = 0): [object, string][] {
  if (depth > 6) return []
  return Object.entries(value).flatMap(([key, each]: [string, unknown]) => [
    [value, key] as [object, string],
    ...(typeof each === 'object' && each !== null ? placesOf(each, depth + 1) : []),
  ])
}

function otherParameter(request: ValidRequest, place: number, junk: unknown): FuzzRequest {
  const { operation } = request
  const { name: parameter } = operation.parameters[place % Math.max(1, operation.parameters.length)] ?? {
    name: 'unknown',
  }
  const text = typeof junk === 'string' ? junk : JSON.stringify(junk)
  return sent({ ...request, parameters: { ...request.parameters, [parameter]: text } })
}

const QUERY_VALUES = [
  ...[
    '',
    '1e999',
    '-1e999',
    'NaN',
    'Infinity',
    '0x10',
    ' 5 ',
    '5,6',
    '1e308',
    '-0',
    '99999999999999999999',
    '%00',
    '%0a',
  ],
  ...[
    '%ff',
    '%',
    '%zz',
    '%ed%a0%80',
    'null',
    'true',
    '[object Object]',
    '../..',
    '2026-01-31',
    '+',
    LONG,
    'ü',
    '%F0%9F%98%80',
  ],
]

const otherQuery: fc.Arbitrary<Change> = fc
  .tuple(fc.constantFrom(...QUERY_VALUES), fc.nat(100), fc.constantFrom('=', '[]=', '[a]=', '.x='))
  .map(([value, choice, sign]) =>
    name('another query', ({ url, operation }) => {
      const query = operation.parameters.filter((each) => each.in === 'query')
      const parameter = query[choice % Math.max(1, query.length)]?.name ?? 'unknown'
      const addition = `${parameter}${choice % 3 === 0 ? sign : '='}${value.replace('ü', '%C3%BC').replaceAll(' ', '%20')}`
      return { url: `${url}${url.includes('?') ? '&' : '?'}${addition}` } // often a repeated parameter
    }),
  )

const HEADERS: readonly Record<string, string>[] = [
  { 'content-type': 'text/plain' },
  { 'content-type': 'application/xml' },
  { 'content-type': 'multipart/form-data; boundary=x' },
  { 'content-type': 'application/x-www-form-urlencoded' },
  { 'content-type': 'application/json; charset=utf-16' },
  { 'content-type': 'application/json;' },
  { 'content-type': 'application/x-ndjson' },
  { 'content-type': 'application/x-protobuf' },
  { 'content-type': '\t;;;' },
  { 'content-type': LONG },
  { 'content-encoding': 'gzip' },
  { 'content-encoding': 'br' },
  { 'transfer-encoding': 'chunked' },
  { accept: 'image/png' },
  { 'accept-encoding': 'gzip, br;q=0' },
  { 'idempotency-key': LONG.slice(0, 400) },
  { 'last-event-id': '../../x' },
  { 'x-request-id': LONG.slice(0, 300) },
  { traceparent: '00-zz-zz-00' },
  { range: 'bytes=0-1' },
  { 'if-none-match': '*' },
  { expect: '100-continue' },
  { cookie: 'a=b' },
]

const otherHeaders: fc.Arbitrary<Change> = fc
  .constantFrom(...HEADERS)
  .map((added) =>
    name(`the header ${Object.keys(added)[0]}`, ({ headers }) => ({ headers: { ...headers, ...added } })),
  )

const otherMethod: fc.Arbitrary<Change> = fc
  .constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'LOCK')
  .map((method) => name(`method ${method}`, () => ({ method })))

const PATHS: readonly ((path: string) => string)[] = [
  (path) => `${path}/`,
  (path) => `${path}//x`,
  (path) => path.toUpperCase(),
  (path) => path.replace(/[^/]+$/, '%00'),
  (path) => path.replace(/[^/]+$/, '%2e%2e%2f%2e%2e'),
  (path) => path.replace(/[^/]+$/, '..'),
  (path) => path.replace(/[^/]+$/, '%ff'),
  (path) => path.replace(/[^/]+$/, '%'),
  (path) => path.replace(/\d+/, '99999999999999999999999'),
  (path) => path.replace(/\d+/, '-1'),
  (path) => path.replace(/[^/]+$/, 'y'.repeat(2000)),
  (path) => `${path};a=b`,
  (path) => `/docs${path}`,
  (path) => `http://127.0.0.1${path}`,
  (path) => path.replaceAll('/', '//'),
]

const otherPath: fc.Arbitrary<Change> = fc.constantFrom(...PATHS).map((change) =>
  name('another path', ({ url }) => {
    const [path = '', ...query] = url.split('?')
    return { url: [change(path), ...query].join('?') }
  }),
)

const BYTES: readonly [string, (body: Buffer) => Buffer][] = [
  ['half of the body', (body) => body.subarray(0, body.length >> 1)],
  ['NaN', (body) => Buffer.from(body.toString().replace(/:\s*-?\d+(\.\d+)?/, ':NaN'))],
  ['1e999', (body) => Buffer.from(body.toString().replace(/:\s*-?\d+(\.\d+)?/, ':1e999'))],
  ['a comma too many', (body) => Buffer.from(body.toString().replace(/}$/, ',}'))],
  ['single quotes', (body) => Buffer.from(body.toString().replaceAll('"', "'"))],
  ['a byte order mark', (body) => Buffer.concat([Buffer.from('\ufeff'), body])],
  ['UTF-16', (body) => Buffer.from(body.toString(), 'utf16le')],
  [
    'invalid UTF-8',
    (body) =>
      Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff, 0xc0, 0x80]), Buffer.from('"}'), body]),
  ],
  [
    'invalid UTF-8 in a text',
    (body) => Buffer.from(body.toString('latin1').replace(/"([^"]*)"$/, '"\xff\xfe"'), 'latin1'),
  ],
  ['two bodies', (body) => Buffer.concat([body, body])],
  ['nothing', () => Buffer.alloc(0)],
  ['spaces', () => Buffer.from('   \n\t')],
  ['zeros', () => Buffer.alloc(100)],
  ['many brackets', () => Buffer.from('['.repeat(3000))],
  ['deep objects', () => Buffer.from('{"a":'.repeat(1500) + '1' + '}'.repeat(1500))],
  ['a long text', () => Buffer.from(JSON.stringify({ source: LONG.repeat(4), note: LONG.repeat(4) }))],
  [
    'many keys',
    () =>
      Buffer.from(JSON.stringify(Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`key ${i}`, i])))),
  ],
  [
    'equal keys',
    (body) => Buffer.from(body.toString().replace(/^{/, '{"days":1,"days":"x","source":1,"source":"a",')),
  ],
  ['a gzipped body', (body) => gzipSync(body)],
  ['a number alone', () => Buffer.from('12')],
  ['a long number', () => Buffer.from(`{"days":${'9'.repeat(3000)}}`)],
  ['comments', (body) => Buffer.concat([Buffer.from('/* a */'), body])],
]

const otherBytes: fc.Arbitrary<Change> = fc.constantFrom(...BYTES).map(([what, change]) =>
  name(`the body: ${what}`, ({ body, headers }) => ({
    body: change(body ?? Buffer.from('{}')),
    headers: { 'content-type': 'application/json', ...headers },
  })),
)
