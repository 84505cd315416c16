import t from 'tap'
import { rateLimitFile } from '../../../formats/limit-files/limit-file.js'
import { UnreadableLimits, type SeenRequest } from '../../../formats/limit-files/read/limits.js'
import { readLimits } from '../../../formats/limit-files/read/read-limits.js'
import { LimitReplay } from '../../../scripts/check/replay.js'
import { ENTRIES, HEAD, LOG, rejectedBy } from './limit-requests.js'

const seen = (target: string, more: Partial<SeenRequest> = {}): SeenRequest => ({
  ...{ timeMs: 1_000_000, method: 'GET', target, path: target.split('?', 1)[0]!, address: '127.0.0.2' },
  ...{ user: '', agent: '' },
  ...more,
})

/** Which requests a file rejects. */
function rejected(text: string, requests: readonly SeenRequest[]): boolean[] {
  const replay = new LimitReplay(readLimits(text))
  let before = 0
  return requests.map((request) => {
    replay.push(request)
    const isRejected = replay.total.rejected > before
    before = replay.total.rejected
    return isRejected
  })
}

const passed = (text: string, requests: readonly SeenRequest[]) =>
  rejected(text, requests).filter((each) => !each).length
const times = (count: number, target: string, more?: Partial<SeenRequest>) =>
  Array.from({ length: count }, () => seen(target, more))

for (const format of ['nginx', 'haproxy', 'aegis'] as const) {
  t.test(`what is exported for ${format} is read back, and rejects the same requests`, async (t) => {
    const requests = LOG.map(({ method, target, client }) => seen(target, { method, address: client }))
    t.strictSame(rejected(rateLimitFile(format, ENTRIES, HEAD), requests), rejectedBy(ENTRIES, LOG))
  })
}

t.test(
  'limits of failures and of different paths of ours are replayed, and count no rejected request',
  async (t) => {
    const entry = ENTRIES.find(({ scope }) => scope === 'gateway-client')!
    const text = rateLimitFile(
      'aegis',
      [
        {
          ...{ ...entry, limit: 6, burst: 6, longWindow: null, dayWindow: null, exceptions: [] },
          failures: { limit: 3, seconds: 60 },
          distinctPaths: { limit: 2, seconds: 3600 },
        },
      ],
      HEAD,
    )
    t.equal(passed(text, times(5, '/x', { status: 404 })), 3)
    t.equal(passed(text, [...times(3, '/x', { status: 404 }), seen('/x', { timeMs: 1_200_000 })]), 4)
    t.equal(
      passed(
        text,
        ['/a', '/b', '/c', '/a?x', '/d'].map((path) => seen(path)),
      ),
      3,
      'a and b, and a again',
    )
    t.equal(passed(text, times(9, '/a')), 6)
    const replay = new LimitReplay(readLimits(text))
    for (const request of times(5, '/x', { status: 404 })) replay.push(request)
    t.match([...replay.byLimit], [['/**, 3 failures in 60 s', { requests: 5, rejected: 2 }]])
  },
)

t.test(
  'a limit of costs is read back with its weights, and has another name than one of requests',
  async (t) => {
    const costs = {
      weights: new Map([
        ['/dear', 50],
        ['/users/{id}', 5],
        ['/users/me', 20],
      ]),
      defaultWeight: 10,
    }
    const entry = ENTRIES.find(({ scope }) => scope === 'gateway-client')!
    const [own] = entry.exceptions
    const limited = { ...entry, costs, limit: 1, burst: 100, exceptions: [{ ...own!, burst: 200 }] }
    const aegis = rateLimitFile('aegis', [limited], HEAD)
    t.notMatch(aegis, /requests_per_minute/)
    const { weights, defaultWeight, ...rest } = { ...costs, ...limited }
    const json = JSON.stringify({
      limits: [
        {
          ...{ endpoint: rest.endpoint, method: null, path: rest.path, scope: rest.scope, burst: rest.burst },
          ...{ unit: 'latency_ms', cost_per_minute: 1, exceptions: rest.exceptions },
          weights: [...weights].map(([endpoint, weight]) => ({ endpoint, weight })),
          default_weight: defaultWeight,
        },
      ],
    })
    for (const text of [aegis, json]) {
      t.equal(passed(text, times(20, '/dear?x=1')), 2)
      t.equal(passed(text, times(40, '/users/7')), 20)
      t.equal(passed(text, times(20, '/users/me')), 5)
      t.equal(passed(text, times(20, '/else')), 10)
      t.equal(passed(text, times(20, '/else', { address: own!.client })), 20)
    }
    for (const [fields, problem] of [
      ['unit: seconds', /^line 4: unit is one of/],
      ['unit: latency_ms', /^line 2: a limit in latency_ms needs default_weight/],
      ['unit: latency_ms\n    default_weight: 0', /default_weight, a whole number from 1/],
      ['unit: latency_ms\n    default_weight: 1\n    weights: [{ weight: 1 }]', /^line 6: a weight needs/],
    ] as const) {
      const text = `rate_limits:\n  - endpoint_pattern: /a\n    cost_per_minute: 1\n    ${fields}\n`
      t.throws(() => readLimits(text), problem)
    }
  },
)

t.test('limit_req of nginx holds for its location, with its burst', async (t) => {
  const text = `
    http {
      limit_req_zone $binary_remote_addr zone=each:10m rate=60r/m;
      limit_req_zone $server_name zone=all:1m rate=1r/s;
      server {
        location /api/ { limit_req zone=each burst=4 nodelay; proxy_pass http://a; }
        location = /api/free { return 200; }
        location ~* \\.PNG$ { limit_req zone=all; }
        location ^~ /api/static/ { }
      }
    }`
  t.equal(passed(text, times(10, '/api/x?y')), 5)
  t.equal(passed(text, times(10, '/api//../api/%78')), 5, 'as NGINX normalizes it')
  t.equal(passed(text, times(10, '/api/free')), 10)
  t.equal(passed(text, times(10, '/api/static/x')), 10)
  t.equal(passed(text, times(10, '/api/a.png')), 1, 'a pattern goes before a prefix')
  t.equal(passed(text, [...times(2, '/a.png'), ...times(2, '/b.png', { address: '127.0.0.3' })]), 1)
  const later = times(1, '/api/x', { timeMs: 1_002_000 })
  t.equal(passed(text, [...times(6, '/api/x'), ...later, ...later, ...later]), 7, 'one a second comes back')
})

t.test('a block without a limit of its own has that around it', async (t) => {
  const text = `
    limit_req_zone $binary_remote_addr zone=each:10m rate=1r/m;
    limit_req zone=each;
    server { location / { } location /own/ { limit_req zone=each burst=2; } }`
  t.equal(passed(text, times(5, '/x')), 1)
  t.equal(passed(text, times(5, '/own/x')), 3)
})

t.test('HAProxy denies by the rate of its stick table, and counts what it denies', async (t) => {
  const text = `
    frontend web
      bind :80
      stick-table type ip size 100k expire 30s store http_req_rate(10s)
      acl is_api path_beg /api/ /v2/
      acl too_fast sc_http_req_rate(0) gt 5
      http-request track-sc0 src if is_api
      http-request deny deny_status 429 if is_api too_fast !{ src 10.0.0.0/8 }`
  t.equal(passed(text, times(20, '/api/x')), 5)
  t.equal(passed(text, times(20, '/v2/x')), 5)
  t.equal(passed(text, times(20, '/other')), 20)
  t.equal(passed(text, times(20, '/api/x', { address: '10.1.2.3' })), 20)
  const steady = Array.from({ length: 100 }, (_, i) => seen('/api/x', { timeMs: 1_000_000 + 1000 * i }))
  t.ok(passed(text, steady) < 50, 'a client that goes on is never let in again')
})

t.test('Envoy has token buckets of the filter and of routes', async (t) => {
  const bucket = 'token_bucket: { max_tokens: 3, tokens_per_fill: 3, fill_interval: 60s }'
  const type = "'@type': type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
  const text = `
static_resources:
  listeners:
    - filters:
        - typed_config:
            route_config:
              virtual_hosts:
                - routes:
                    - match: { prefix: /login }
                      route: { cluster: a }
                      typed_per_filter_config:
                        envoy.filters.http.local_ratelimit: { ${type}, token_bucket: { max_tokens: 1, fill_interval: 1m } }
                    - match: { prefix: / }
                      route: { cluster: a }
            http_filters:
              - name: envoy.filters.http.local_ratelimit
                typed_config: { ${type}, ${bucket} }`
  t.equal(passed(text, times(5, '/login')), 1)
  t.equal(passed(text, [...times(5, '/x'), ...times(5, '/y', { address: '127.0.0.9' })]), 3)
})

t.test('the rate limit service of Envoy has windows for what a log tells', async (t) => {
  const text = `
domain: x
descriptors:
  - key: remote_address
    rate_limit: { unit: minute, requests_per_unit: 4 }
  - key: generic_key
    value: "GET /users/{id}"
    rate_limit: { unit: hour, requests_per_unit: 2 }`
  t.equal(passed(text, times(6, '/x')), 4)
  t.equal(passed(text, times(6, '/users/42')), 2)
  t.equal(passed(text, times(6, '/users/abc')), 4)
})

t.test('Kong takes the most specific plugin', async (t) => {
  const text = `
_format_version: "3.0"
plugins: [{ name: rate-limiting, config: { minute: 4, limit_by: ip, policy: local } }]
consumers: [{ username: cron, plugins: [{ name: rate-limiting, config: { hour: 6 } }] }]
services:
  - name: a
    url: http://127.0.0.1
    routes:
      - { name: users, paths: ['~/users/[0-9]+$'], methods: [GET], plugins: [{ name: rate-limiting, config: { minute: 2, hour: 3 } }] }
      - { name: rest, paths: [/] }`
  t.equal(passed(text, times(9, '/x')), 4)
  t.equal(passed(text, times(9, '/users/42')), 2)
  t.equal(passed(text, times(9, '/users/42', { method: 'POST' })), 4)
  t.equal(passed(text, times(9, '/x', { user: 'cron' })), 6)
  t.equal(
    passed(text, [...times(3, '/users/1'), ...times(3, '/users/1', { timeMs: 1_080_000 })]),
    3,
    'both windows hold',
  )
})

t.test('what is not understood is named with its line', async (t) => {
  const cases: [string, string, RegExp][] = [
    [
      'nginx',
      'limit_req_zone $http_x_api_key zone=a:1m rate=1r/s;\nlimit_req zone=a;',
      /line 1: .*\$http_x_api_key/,
    ],
    ['nginx', 'limit_req_zone $uri zone=a:1m rate=1r/s;\nlimit_req zone=b;', /line 2: .*"b"/],
    ['nginx', 'limit_req_zone $uri zone=a:1m rate=fast;', /line 1: .*rate=/],
    ['nginx', 'http {\n  include /etc/nginx/conf.d/*.conf;\n}', /line 2: include/],
    ['nginx', 'http {\n server {\n', /line \d: the \{ has no \}/],
    ['nginx', 'http { }', /no limit/],
    [
      'haproxy',
      'frontend a\n stick-table type ip size 1k store http_req_rate(1s)\n http-request track-sc0 hdr(x-key)',
      /line 3: .*hdr\(x-key\)/,
    ],
    [
      'haproxy',
      'frontend a\n http-request deny if unknown { sc_http_req_rate(0) gt 1 }',
      /line 2: there is no acl unknown/,
    ],
    [
      'kong',
      '_format_version: "3.0"\nplugins:\n  - name: rate-limiting\n    config: { minute: many }',
      /line 4: minute/,
    ],
    [
      'kong',
      '_format_version: "3.0"\nplugins:\n  - name: rate-limiting\n    config: { minute: 1, limit_by: header }',
      /line 4: limit_by/,
    ],
    ['aegis', 'rate_limits:\n  - endpoint_pattern: /x\n    requests_per_minute: 0\n', /line 2: /],
    [
      'aegis',
      'rate_limits:\n  - endpoint_pattern: /x\n    requests_per_minute: 5\n    surprise: 1\n',
      /line 4: the field surprise/,
    ],
    ['kong', '_format_version: "3.0"\nplugins: [', /line 2/],
    ['', 'hello', /--gateway/],
  ]
  for (const [gateway, text, message] of cases) {
    try {
      readLimits(text)
      t.fail(`${gateway}: ${text} is read`)
    } catch (error) {
      t.ok(error instanceof UnreadableLimits, String(error))
      t.match((error as Error).message, message)
    }
  }
})
