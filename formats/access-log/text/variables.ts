import type { DurationUnit } from '../duration.js'

/** What a variable of a log format says about a request. */
export type Role =
  | { readonly of: 'latency'; readonly unit: DurationUnit; readonly rank: number }
  | { readonly of: Exclude<TextRole, 'latency'>; readonly rank?: number }

/**
 * `nothing` is read over; so is `query`, which may be empty. `latency-term` is a part of the latency, the parts are
 * added up.
 */
type TextRole =
  | ('time' | 'request' | 'method' | 'path' | 'status' | 'host' | 'latency' | 'latency-term')
  | ('remote' | 'forwarded' | 'user' | 'agent' | 'bytes')
  | ('list' | 'nothing' | 'query' | 'rest' | 'captures')

/** A variable of a format: its name as the format has it, and what it says. */
export interface Variable {
  readonly name: string
  readonly role: Role
}

/** The better measure has the lower rank: a format may have several. */
export const latency = (unit: DurationUnit, rank = 0): Role => ({ of: 'latency', unit, rank })

/** What the client asked for comes before the name of the server that answered. */
const host = (rank: number): Role => ({ of: 'host', rank })

export const NOTHING: Role = { of: 'nothing' }

/** NGINX's variables, and names of our own for formats that other servers write. */
const NGINX: Readonly<Record<string, Role>> = {
  remote_addr: { of: 'remote' },
  http_x_forwarded_for: { of: 'forwarded' },
  proxy_add_x_forwarded_for: { of: 'forwarded' },
  http_x_real_ip: { of: 'forwarded' },
  http_cf_connecting_ip: { of: 'forwarded' },
  http_true_client_ip: { of: 'forwarded' },
  remote_user: { of: 'user' },
  user_id: { of: 'user' },
  time_local: { of: 'time' },
  time_iso8601: { of: 'time' },
  msec: { of: 'time' },
  time: { of: 'time' },
  date: { of: 'time' },
  request: { of: 'request' },
  request_method: { of: 'method' },
  request_uri: { of: 'path' },
  uri: { of: 'path' },
  document_uri: { of: 'path' },
  status: { of: 'status', rank: 0 },
  host_header: host(0),
  host: host(1),
  http_host: host(1),
  authority: host(1),
  server_name: host(2),
  body_bytes_sent: { of: 'bytes' },
  bytes_sent: { of: 'bytes' },
  http_user_agent: { of: 'agent' },
  request_time: latency('s'),
  duration_s: latency('s'),
  duration_ms: latency('ms'),
  duration_us: latency('us'),
  duration_ns: latency('ns'),
  duration_term_s: { of: 'latency-term' },
  // The time of the server behind the gateway, where there is nothing better.
  upstream_response_time: latency('s', 1),
  rest: { of: 'rest' },
  captures: { of: 'captures' },
}

/** docs.aws.amazon.com, "Variables for access logging for API Gateway" */
const AMAZON: Readonly<Record<string, Role>> = {
  'identity.sourceIp': { of: 'remote' },
  'http.sourceIp': { of: 'remote' },
  requestTime: { of: 'time' },
  requestTimeEpoch: { of: 'time' },
  httpMethod: { of: 'method' },
  'http.method': { of: 'method' },
  path: { of: 'path' },
  'http.path': { of: 'path' },
  resourcePath: { of: 'path', rank: 1 },
  routeKey: { of: 'path', rank: 2 },
  status: { of: 'status' },
  responseLatency: latency('ms'),
  responseLength: { of: 'bytes' },
  'identity.userAgent': { of: 'agent' },
  'identity.user': { of: 'user' },
  'authorizer.principalId': { of: 'user', rank: 1 },
}

const CONTEXT = 'context.'

/** What a variable of NGINX's, or of Amazon's API Gateway, says. Those of upstream servers are lists when several were tried. */
export function nginxRole(name: string): Role {
  if (name.startsWith(CONTEXT)) return AMAZON[name.slice(CONTEXT.length)] ?? NOTHING
  return NGINX[name] ?? (name.startsWith('upstream_') ? { of: 'list' } : NOTHING)
}

const APACHE: Readonly<Record<string, Role>> = {
  h: { of: 'remote' },
  a: { of: 'remote' },
  u: { of: 'user' },
  t: { of: 'time' },
  r: { of: 'request' },
  m: { of: 'method' },
  U: { of: 'path' },
  '>s': { of: 'status', rank: 0 },
  s: { of: 'status', rank: 1 },
  V: host(1),
  v: host(2),
  b: { of: 'bytes' },
  B: { of: 'bytes' },
  q: { of: 'query' },
  O: { of: 'bytes' },
  D: latency('us'),
  T: latency('s', 2),
}

const APACHE_TIMES: Readonly<Record<string, Role>> = {
  ms: latency('ms', 1),
  us: latency('us'),
  s: latency('s', 2),
}

const FORWARDED_HEADERS = new Set(['x-forwarded-for', 'x-real-ip', 'cf-connecting-ip', 'true-client-ip'])

/**
 * What a directive of Apache's says.
 * @param letters what follows the percent sign, with `>`, without conditions: `>s`, `D`, `i`
 * @param argument what is between braces; undefined without any
 */
export function apacheRole(letters: string, argument: string | undefined): Role {
  if (argument === undefined) return APACHE[letters] ?? APACHE[letters.replace(/^[<>]/, '')] ?? NOTHING
  if (letters === 'i') return headerRole(argument.toLowerCase())
  if (letters === 'T') return APACHE_TIMES[argument.toLowerCase()] ?? NOTHING
  if (letters === 't') return { of: 'time' }
  if (letters === 'V') return fastlyRole(argument)
  return NOTHING // %{c}a is the address of a proxy, %{remote}p a port
}

const FASTLY: Readonly<Record<string, Role>> = {
  'client.ip': { of: 'remote', rank: 1 },
  'req.http.fastly-client-ip': { of: 'remote', rank: 0 },
  'req.method': { of: 'method' },
  'req.request': { of: 'method' },
  'req.url': { of: 'path' },
  'req.url.path': { of: 'path' },
  'resp.status': { of: 'status' },
  'time.elapsed': latency('s', 1),
  'time.elapsed.msec': latency('ms', 1),
  'time.elapsed.usec': latency('us'),
}

/** Variables of VCL, with functions around them: `json.escape(req.url)` */
function fastlyRole(expression: string): Role {
  if (/^strftime\(.*\btime\.start\b/s.test(expression)) return { of: 'time' }
  let name = expression.trim().toLowerCase()
  for (
    let inner;
    (inner = /^(?:json\.escape|cstr_escape|std\.tolower|regsub|urlencode)\(([^,]*)\)$/.exec(name));
  )
    name = inner[1]!.trim()
  const header = /^req\.http\.(.+)$/.exec(name)?.[1]
  return FASTLY[name] ?? (header === undefined ? NOTHING : headerRole(header))
}

/** What a header of the request says. @param name in small letters */
export function headerRole(name: string): Role {
  if (name === 'user-agent') return { of: 'agent' }
  if (name === 'host') return host(1)
  return FORWARDED_HEADERS.has(name) ? { of: 'forwarded' } : NOTHING
}
