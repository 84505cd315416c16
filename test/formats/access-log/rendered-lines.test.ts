import t from 'tap'
import fc from '../../properties.js'
import { readLog } from './read-log.js'

/** A request as a server knows it. */
interface Request {
  readonly timeMs: number
  readonly zoneMinutes: number
  readonly method: string
  readonly path: string
  readonly query: string
  readonly status: number
  readonly micros: number
  readonly client: string
  readonly forwarded: readonly string[]
  readonly agent: string
  readonly protocol: string
}

const CHARACTERS = [...'abcXYZ019-_.~!$&\'()*+,;=:@"\\|[]{}<>^`é€😀', '%20', '%7C', '%00']
const path = fc
  .array(fc.constantFrom(...CHARACTERS, '/'), { maxLength: 20 })
  .map((parts) => `/${parts.join('')}`.replace(/^\/\/+/, '/'))
const address = fc.oneof(
  fc.ipV4(),
  fc.constantFrom('2001:db8::7', '::1', 'fe80::1:2:3:4', '2001:db8:85a3::8a2e:370:7334'),
)
const requests: fc.Arbitrary<Request> = fc.record({
  timeMs: fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2099, 0, 1) }),
  zoneMinutes: fc.constantFrom(0, 60, 120, 345, -210, -720, 840),
  method: fc.constantFrom('GET', 'POST', 'DELETE', 'PATCH', 'PROPFIND', 'M-SEARCH', 'OPTIONS'),
  path,
  query: fc.constantFrom('', '?', '?a=1', '?q="x|y"', '?next=/b?c=1'),
  status: fc.integer({ min: 100, max: 599 }),
  micros: fc.oneof(fc.constantFrom(0, 1, 499, 500, 999_499), fc.integer({ min: 0, max: 9_000_000_000 })),
  client: address,
  forwarded: fc.array(address, { minLength: 1, maxLength: 3 }),
  agent: fc.constantFrom(
    ...[
      'curl/8.0',
      'Mozilla/5.0 (X11; "quoted" [brackets])',
      'a\\b',
      'é{}|',
      '-',
      'x "GET / HTTP/1.1" 200 5',
      '"',
    ],
  ),
  protocol: fc.constantFrom('HTTP/1.0', 'HTTP/1.1', 'HTTP/2.0', 'HTTP/3.0'),
})

const two = (number: number) => String(number).padStart(2, '0')
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function local({ timeMs, zoneMinutes }: Request) {
  const date = new Date(timeMs + zoneMinutes * 60_000)
  const [hours, minutes] = [Math.floor(Math.abs(zoneMinutes) / 60), Math.abs(zoneMinutes) % 60]
  const clock = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
  return { date, clock, sign: zoneMinutes < 0 ? '-' : '+', hours: two(hours), minutes: two(minutes) }
}

function clf(request: Request): string {
  const { date, clock, sign, hours, minutes } = local(request)
  const day = `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}`
  return `${day}:${clock} ${sign}${hours}${minutes}`
}

function iso(request: Request): string {
  const { date, clock, sign, hours, minutes } = local(request)
  return `${date.toISOString().slice(0, 10)}T${clock}${sign}${hours}:${minutes}`
}

const targetOf = ({ path, query }: Request) => path + query
const lineOf = (request: Request) => `${request.method} ${targetOf(request)} ${request.protocol}`
const seconds = ({ micros }: Request) => (Math.floor(micros / 1000) / 1000).toFixed(3)

const bytesOf = (text: string) => [...Buffer.from(text)]
const hex = (byte: number) => byte.toString(16).toUpperCase().padStart(2, '0')
const escaped = (text: string, escape: (byte: number) => string | undefined) =>
  bytesOf(text)
    .map((byte) => escape(byte) ?? String.fromCharCode(byte))
    .join('')
/** As NGINX does: everything that is not plain as \xXX. */
const nginx = (text: string) =>
  escaped(text, (byte) =>
    byte < 32 || byte > 126 || byte === 34 || byte === 92 ? `\\x${hex(byte)}` : undefined,
  )
/** As Apache does: a backslash before quotes and backslashes, \xhh for the rest. */
const apache = (text: string) =>
  escaped(text, (byte) => {
    if (byte === 34 || byte === 92) return `\\${String.fromCharCode(byte)}`
    return byte < 32 || byte > 126 ? `\\x${hex(byte).toLowerCase()}` : undefined
  })
/** As HAProxy does in a target: quotes and what is not printable as #XX. */
const haproxy = (text: string) =>
  escaped(text, (byte) =>
    byte < 32 || byte > 126 || byte === 34 || byte === 35 ? `#${hex(byte)}` : undefined,
  )

/** A variable of a format, what it is written as, and what is known of a request that has it. */
interface Part {
  readonly format: string
  readonly render: (request: Request) => string
  readonly says: 'time' | 'ms' | 'request' | 'status' | 'client' | 'nothing'
}
type Says = Part['says']

const part = (says: Says, format: string, render: Part['render']): Part => ({ says, format, render })

/** Each server: parts of which a format has one of each kind, and parts that say nothing. */
const SERVERS: Readonly<
  Record<string, { parts: readonly (readonly Part[])[]; others: readonly Part[]; unit: number }>
> = {
  NGINX: {
    unit: 1000,
    parts: [
      [
        part('time', '[$time_local]', (r) => `[${clf(r)}]`),
        part('time', '$time_iso8601', iso),
        part('time', '"$time_iso8601"', (r) => `"${iso(r)}"`),
        part('time', '$msec', (r) => (r.timeMs / 1000).toFixed(3)),
      ],
      [
        part('request', '"$request"', (r) => `"${nginx(lineOf(r))}"`),
        part('request', '$request_method "$request_uri"', (r) => `${r.method} "${nginx(targetOf(r))}"`),
        part('request', '$request_method $request_uri', (r) => `${r.method} ${nginx(targetOf(r))}`),
        part('request', '"$request_method" "$uri"', (r) => `"${r.method}" "${nginx(r.path)}"`),
      ],
      [part('status', '$status', (r) => String(r.status))],
      [
        part('client', '$remote_addr', (r) => r.client),
        part('client', '"$remote_addr"', (r) => `"${r.client}"`),
      ],
      [part('ms', '$request_time', seconds), part('ms', 'rt=$request_time', (r) => `rt=${seconds(r)}`)],
    ],
    others: [
      part('nothing', '"$http_user_agent"', (r) => `"${nginx(r.agent)}"`),
      part(
        'nothing',
        '$upstream_response_time',
        (r) => ['-', '0.001, 0.002', '0.001 : 0.003'][r.status % 3]!,
      ),
      part('nothing', '$upstream_addr', (r) => ['-', '10.0.0.1:80, 10.0.0.2:80'][r.status % 2]!),
      part('nothing', 'ua="$upstream_addr"', () => 'ua="10.0.0.1:80"'),
      part('nothing', '"$http_referer"', (r) => `"${nginx(`https://shop.example${targetOf(r)}`)}"`),
      part('nothing', '$request_id', () => '8f14e45fceea467f8f14e45fceea467f'),
      part('nothing', '$body_bytes_sent', () => '512'),
      part('nothing', '$host', () => 'shop.example'),
    ],
  },
  Apache: {
    unit: 1,
    parts: [
      [
        part('time', '%t', (r) => `[${clf(r)}]`),
        part('time', '%{%Y-%m-%dT%H:%M:%S%z}t', (r) => iso(r).replace(/:(\d\d)$/, '$1')),
      ],
      [
        part('request', '"%r"', (r) => `"${apache(lineOf(r))}"`),
        part('request', '%m "%U%q"', (r) => `${r.method} "${apache(targetOf(r))}"`),
      ],
      [part('status', '%>s', (r) => String(r.status)), part('status', '%s', (r) => String(r.status))],
      [part('client', '%h', (r) => r.client), part('client', '%a', (r) => r.client)],
      [part('ms', '%D', (r) => String(r.micros)), part('ms', 'us=%{us}T', (r) => `us=${r.micros}`)],
    ],
    others: [
      part('nothing', '%l', () => '-'),
      part('nothing', '%b', () => '-'),
      part('nothing', '"%{User-Agent}i"', (r) => `"${apache(r.agent)}"`),
      part('nothing', '"%{Referer}i"', () => '"-"'),
      part('nothing', '%v:%p', () => 'shop.example:443'),
    ],
  },
  HAProxy: {
    unit: 1000,
    parts: [
      [
        part('time', '[%T]', (r) => `[${clf({ ...r, zoneMinutes: 0 })}]`),
        part('time', '%Ts.%ms', (r) => (r.timeMs / 1000).toFixed(3)),
      ],
      [
        part('request', '%{+Q}r', (r) => `"${haproxy(lineOf(r))}"`),
        part('request', '%HM %{+Q}HU', (r) => `${r.method} "${haproxy(targetOf(r))}"`),
        part('request', '%[method] %HP', (r) => `${r.method} ${haproxy(r.path)}`),
      ],
      [part('status', '%ST', (r) => String(r.status))],
      [part('client', '%ci:%cp', (r) => `${r.client}:51234`), part('client', '%[src]', (r) => r.client)],
      [part('ms', '%TR/%Tw/%Tc/%Tr/%Ta', (r) => `0/-1/0/1/${Math.floor(r.micros / 1000)}`)],
    ],
    others: [
      part('nothing', '%ft %b/%s', () => 'front~ back/<NOSRV>'),
      part('nothing', '%hr %hs %ID', (r) => ['', '{a|b c} ', '{a} {} '][r.status % 3]! + 'id'),
      part('nothing', '%B', (r) => ['512', '+17'][r.status % 2]!),
      part('nothing', '%tsc %ac/%fc', () => '---- 1/1'),
    ],
  },
  Envoy: {
    unit: 1000,
    parts: [
      [
        part('time', '[%START_TIME%]', (r) => `[${new Date(r.timeMs).toISOString()}]`),
        part('time', '%START_TIME(%s.%3f)%', (r) => (r.timeMs / 1000).toFixed(3)),
        part('time', '%START_TIME(%Y-%m-%d %H:%M:%S)%', (r) =>
          new Date(r.timeMs).toISOString().slice(0, 19).replace('T', ' '),
        ),
      ],
      [
        part(
          'request',
          '%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%',
          (r) => `${r.method} ${encodeURI(r.path)}`,
        ),
        part(
          'request',
          '"%REQ(:METHOD)% %REQ(:PATH)% %PROTOCOL%"',
          (r) => `"${r.method} ${encodeURI(r.path)} ${r.protocol}"`,
        ),
      ],
      [part('status', '%RESPONSE_CODE%', (r) => String(r.status))],
      [
        part('client', '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%', (r) => r.client),
        part(
          'client',
          '"%DOWNSTREAM_REMOTE_ADDRESS%"',
          (r) => `"${r.client.includes(':') ? `[${r.client}]` : r.client}:51234"`,
        ),
      ],
      [part('ms', '%DURATION%', (r) => String(Math.floor(r.micros / 1000)))],
    ],
    others: [
      part('nothing', '%RESPONSE_FLAGS%', (r) => ['-', 'UF,URX'][r.status % 2]!),
      part('nothing', '"%REQ(:AUTHORITY)%"', () => '"shop.example:80"'),
      part('nothing', '%UPSTREAM_HOST%', () => '10.0.0.9:80'),
      part('nothing', '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%', () => '-'),
    ],
  },
}
const SEPARATORS = [' ', ' | ', ' - ', '\t']

function formats(name: string) {
  const { parts, others } = SERVERS[name]!
  return fc
    .tuple(...parts.map((choices) => fc.constantFrom(...choices)), fc.subarray([...others]))
    .chain((all) => fc.shuffledSubarray(all.flat(), { minLength: all.flat().length }))
}

for (const [name, { unit }] of Object.entries(SERVERS)) {
  t.test(`lines of ${name} in any format are read as they were written`, async () => {
    const cases = fc.tuple(
      formats(name),
      fc.constantFrom(...SEPARATORS),
      fc.array(requests, { minLength: 1, maxLength: 3 }),
    )
    fc.assert(
      fc.property(cases, ([parts, separator, all]) => {
        const format = parts.map((each) => each.format).join(separator)
        const text = all
          .map((request) => parts.map(({ render }) => render(request)).join(separator))
          .join('\n')
        const read = readLog(text, `--client remote --log-format '${format}'`)
        const shown = `${format}\n${text}\n${JSON.stringify(read)}`
        if (read.requests.length !== all.length) throw new Error(shown)
        all.forEach((request, index) => {
          const { time, method, path, status, ms, client } = read.requests[index]!
          const isExact = /msec|%Ts|START_TIME(?:%|\(%s)/.test(format)
          const timeMs = isExact ? request.timeMs : Math.floor(request.timeMs / 1000) * 1000
          const expected = name === 'Envoy' ? encodeURI(request.path) : request.path
          const isRight =
            time === new Date(timeMs).toISOString() &&
            method === request.method &&
            path === expected &&
            status === request.status &&
            ms === Math.round((Math.floor(request.micros / unit) * unit) / 1000) &&
            client === request.client
          if (!isRight) throw new Error(`${JSON.stringify(request)}\n${shown}`)
        })
      }),
      { numRuns: 250 },
    )
  })
}
