import t from 'tap'
import { readLimits } from '../../../formats/limit-files/read/read-limits.js'
import { filesOf, passed, seen, times } from './replayed.js'

const ZONE = 'limit_req_zone $binary_remote_addr zone=each:1m rate=1r/m;'

t.test('includes of NGINX are read where they stand', async (t) => {
  const files = {
    'conf.d/a.conf': `${ZONE} map $uri $x { include maps/x; }`,
    'maps/x': 'default 1;',
    'sites/one': 'server { location /api { include limits; } }',
    limits: 'limit_req zone=each burst=2;',
  }
  const text = 'http { include mime.types; include conf.d/*.conf; include sites/*; }'
  t.equal(passed(text, times(5, '/api/x'), { files }), 3)
  t.equal(passed(text, times(5, '/x'), { files }), 5)
  const broken = { ...files, limits: '\nlimit_req zone=unknown;' }
  t.throws(() => readLimits(text, 'nginx', { files: filesOf(broken) }), /line 2 of limits: .*"unknown"/)
  const circle = { ...files, limits: 'include sites/one;' }
  t.throws(
    () => readLimits(text, 'nginx', { files: filesOf(circle) }),
    /line 1 of limits: sites\/one includes itself/,
  )
  t.throws(
    () => readLimits(`${text} include nothing.conf;`, 'nginx', { files: filesOf(files) }),
    /line 1: include nothing\.conf cannot/,
  )
})

t.test('the output of nginx -T has all files', async (t) => {
  const text = `
# configuration file /etc/nginx/nginx.conf:
events {}
http {
  include conf.d/*.conf;
}
# configuration file /etc/nginx/conf.d/site.conf:
${ZONE}
server { limit_req zone=each; location / { limit_req zone=each bursts=2; } }
`
  t.throws(() => readLimits(text), /line 9: limit_req zone=each bursts=2/)
  t.equal(passed(text.replace('bursts', 'burst'), times(5, '/')), 3)
})

t.test('limits of one zone of NGINX share its counter, each with its burst', async (t) => {
  const text = `${ZONE} server { location /a { limit_req zone=each burst=4; } location /b { limit_req zone=each burst=1; } }`
  t.equal(
    passed(text, [...times(3, '/a'), ...times(3, '/b')]),
    3,
    'the zone is used up for the smaller burst',
  )
  t.equal(passed(text, [...times(3, '/b'), ...times(6, '/a')]), 5)
})

t.test('NGINX counts in thousandths of a request a second', async (t) => {
  const every = (ms: number) => Array.from({ length: 2 }, (_, i) => seen('/', { timeMs: 1_000_000 + i * ms }))
  t.equal(passed(`${ZONE} limit_req zone=each;`, every(60_000)), 1, '1r/m is 0.016 a second')
  t.equal(passed(`${ZONE} limit_req zone=each;`, every(62_500)), 2)
})

t.test('the limits of NGINX come after its rewrite rules', async (t) => {
  const server = (rules: string) =>
    `${ZONE} server { ${rules} location / { limit_req zone=each; } location /free/ { } }`
  const some = times(5, '/old/x')
  t.equal(passed(server(''), some), 1)
  t.equal(passed(server('rewrite ^/old/(.*)$ /free/$1 last;'), some), 5)
  t.equal(passed(server('rewrite ^/old/ https://example.com/ permanent;'), some), 5, 'a redirect')
  t.equal(
    passed(server('if ($http_user_agent ~* "bot|spider") { return 403; }'), times(5, '/', { agent: 'Bot' })),
    5,
  )
  t.equal(passed(server('if ($http_cookie) { set $seen 1; }'), some), 1, 'what no log tells is not used')
  t.equal(passed(server('if ($http_cookie) { add_header X y; }'), some), 1)
  t.throws(() => passed(server('\nif ($http_cookie) { return 403; }'), some), /line 2: if .*\$http_cookie/)
  t.throws(
    () => passed(server('if (-f $request_filename) { rewrite ^ /free/; }'), some),
    /line 1: if .*files/,
  )
  t.throws(
    () => passed(`${ZONE} limit_req zone=each; server { if ($arg_x = 1) { return 403; } }`, some),
    /query strings/,
  )
})

t.test('a request of NGINX that may be sent to a location with limits is refused', async (t) => {
  const text = `${ZONE} server { location / {\ntry_files $uri /index.php; } location ~ \\.php$ { limit_req zone=each; } }`
  t.equal(passed(text, times(5, '/x.php')), 1)
  t.throws(() => passed(text, times(1, '/x')), /line 2: .*which files exist/)
})

t.test('one server of NGINX is meant', async (t) => {
  const redirect = 'server { listen 80; return 301 https://$host$request_uri; }'
  const server = (name: string, burst: number) =>
    `server { server_name ${name}; location / { limit_req zone=each burst=${burst}; } }`
  t.equal(passed(`${ZONE} ${redirect} ${server('a.test', 1)}`, times(5, '/')), 2)
  const both = `${ZONE} ${redirect} ${server('a.test', 1)} ${server('*.b.test', 3)}`
  t.throws(() => readLimits(both), /line 1: there are 2 servers.* --server \(a\.test, \*\.b\.test\)/)
  t.equal(passed(both, times(5, '/'), { server: 'x.b.test' }), 4)
  t.throws(() => passed(both, [], { server: 'c.test' }), /no server has the name c\.test/)
})

const HAPROXY = `
frontend web
  bind :80
  stick-table type ip size 1k expire 1h store http_req_rate(10m)
  http-request track-sc0 src`

t.test('HAProxy counts every request that is tracked, whatever rejects it', async (t) => {
  const text = `${HAPROXY}
  http-request deny if { path_beg /api } { sc_http_req_rate(0) gt 3 }`
  t.equal(passed(text, [...times(3, '/x'), ...times(2, '/api')]), 3, 'other paths count too')
  t.equal(passed(text, times(5, '/api', { address: '2001:db8::1' })), 5, 'a table of IPv4 has no IPv6')
  const both = `${HAPROXY}
  http-request track-sc1 path table paths
  http-request deny if { sc_http_req_rate(0) gt 3 } { sc_http_req_rate(1) gt 1 }
backend paths
  stick-table type string size 1k store http_req_rate(10m)`
  t.equal(
    passed(
      both,
      ['/a', '/b', '/c', '/d', '/d', '/d'].map((path) => seen(path)),
    ),
    4,
    'both rates together',
  )
})

t.test('HAProxy reads patterns and maps of files, and follows use_backend', async (t) => {
  const files = { 'paths.lst': '# paths\n/login\n', 'limits.map': '/api 2\n/api/items 4\n' }
  t.equal(
    passed(
      `${HAPROXY}\n http-request deny if { path -f paths.lst } { sc0_http_req_rate gt 2 }`,
      times(5, '/login'),
      { files },
    ),
    2,
  )
  const byMap = `${HAPROXY}
  http-request set-var(req.limit) path,map_beg(limits.map,3)
  http-request set-var(req.rate) sc_http_req_rate(0)
  acl abuse var(req.limit),sub(req.rate) lt 0
  http-request deny deny_status 429 if abuse`
  t.equal(passed(byMap, times(9, '/api/items/1'), { files }), 4)
  t.equal(passed(byMap, times(9, '/api/x'), { files }), 2)
  t.equal(passed(byMap, times(9, '/x'), { files }), 3)
  t.throws(() => passed(byMap, []), /line 8: .* line 6: limits\.map cannot be read/)
  const routed = `${HAPROXY}
  http-request redirect scheme https unless { ssl_fc }
  use_backend api if { path_beg /api }
  default_backend rest
backend api
  http-request deny if { src_http_req_rate(web) gt 1 }
backend rest`
  t.equal(passed(routed, times(5, '/api')), 1)
  t.equal(passed(routed, times(5, '/x')), 5)
})

t.test('what HAProxy does without a log knowing is refused', async (t) => {
  const refused = (rule: string, message: RegExp) =>
    t.throws(
      () => readLimits(`${HAPROXY}\n  ${rule}\n  http-request deny if { sc_http_req_rate(0) gt 3 }`),
      message,
    )
  refused('http-request deny if { req.hdr(x-key) -m found }', /line 6: .*req\.hdr\(x-key\)/)
  refused('http-request set-path /x', /line 6: set-path/)
  refused('http-request allow if { sc_http_req_rate(0) lt 3 }', /line 6: a rate may decide only/)
  refused('http-request deny if { url_param(x) y }', /query strings/)
  t.throws(
    () =>
      readLimits(
        `${HAPROXY}\n http-request deny if { sc_http_req_rate(0) gt 3 }\nfrontend two\n http-request track-sc0 src table web`,
      ),
    /there are 2 frontends.*\(web, two\)/,
  )
})

const local = (inner: string) =>
  `{ '@type': type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit, ${inner} }`
const bucket = (tokens: number) =>
  `token_bucket: { max_tokens: ${tokens}, tokens_per_fill: ${tokens}, fill_interval: 60s }`

const envoy = (hosts: string, filter: string) => `
static_resources:
  listeners:
    - filter_chains:
        - filters:
            - typed_config:
                route_config:
                  virtual_hosts:
${hosts}
                http_filters:
                  - name: envoy.filters.http.local_ratelimit
                    typed_config: ${local(filter)}`

t.test('Envoy has local descriptors for what routes send', async (t) => {
  const host = `
                    - domains: ["*"]
                      rate_limits:
                        - actions: [{ remote_address: {} }]
                      routes:
                        - match: { path: /login, headers: [{ name: ":method", string_match: { exact: POST } }] }
                          route:
                            cluster: a
                            rate_limits:
                              - actions: [{ generic_key: { descriptor_value: login } }, { remote_address: {} }]
                        - match: { prefix: /off }
                          route: { cluster: a }
                          typed_per_filter_config:
                            envoy.filters.http.local_ratelimit: { disabled: true }
                        - match: { prefix: / }
                          route: { cluster: a }`
  const ofLogin = `{ entries: [{ key: generic_key, value: login }, { key: remote_address }], ${bucket(2)} }`
  const descriptors = `descriptors: [${ofLogin}, { entries: [{ key: remote_address, value: 10.0.0.1 }], ${bucket(1)} }]`
  const text = envoy(host, `${bucket(6)}, ${descriptors}`)
  const post = { method: 'POST' }
  t.equal(
    passed(text, [...times(4, '/login', post), ...times(4, '/login', { ...post, address: '10.0.0.2' })]),
    4,
  )
  t.equal(passed(text, times(4, '/x', { address: '10.0.0.1' })), 1)
  t.equal(passed(text, times(9, '/x')), 6, 'the bucket of all')
  t.equal(
    passed(text, [...times(3, '/login', post), ...times(9, '/x')]),
    6,
    'rejected by a descriptor, it takes no token of all',
  )
  t.equal(passed(text, times(9, '/off/x')), 9)
  t.throws(
    () =>
      readLimits(
        text.replace(/remote_address: \{\}/, 'request_headers: { header_name: x-key, descriptor_key: k }'),
      ),
    /line \d+: a log does not tell the header x-key/,
  )
  const two = envoy(`${host}\n                    - { domains: [b.test], routes: [] }`, bucket(2))
  t.throws(() => readLimits(two), /2 virtual hosts.*--server \(\*, b\.test\)/)
  t.equal(passed(two, times(4, '/x'), { server: 'b.test' }), 2)
})

t.test('the rate limit service of Envoy takes the descriptor with the value of a request', async (t) => {
  const text = `
domain: x
descriptors:
  - key: remote_address
    rate_limit: { unit: minute, requests_per_unit: 4 }
  - key: remote_address
    value: 10.0.0.1
    rate_limit: { unlimited: true }
  - key: path
    value: /one
    rate_limit: { unit: minute, requests_per_unit: 1 }`
  t.equal(passed(text, times(6, '/x')), 4)
  t.equal(passed(text, times(6, '/x', { address: '10.0.0.1' })), 6)
  t.equal(
    passed(text, [...times(4, '/one'), ...times(4, '/x')]),
    1,
    'a request over one limit counts for the others',
  )
})

t.test('Kong takes the plugin of the narrowest scope', async (t) => {
  const text = `
_format_version: "3.0"
plugins:
  - { name: rate-limiting, config: { minute: 9, limit_by: ip } }
  - { name: rate-limiting, route: users, config: { minute: 3 } }
  - { name: rate-limiting, service: { name: a }, config: { minute: 5, limit_by: service } }
  - { name: rate-limiting, consumer: cron, route: users, config: { minute: 7 } }
consumers: [{ username: cron }]
services:
  - name: a
    url: http://127.0.0.1
    routes:
      - { name: all, paths: [/] }
      - { name: posts, paths: [/users], methods: [POST], plugins: [{ name: rate-limiting, config: { minute: 1 } }] }
      - { name: users, paths: [/users] }`
  t.equal(passed(text, times(9, '/users/1')), 3)
  t.equal(passed(text, times(9, '/users/1', { method: 'POST' })), 1, 'more conditions go first')
  t.equal(passed(text, times(9, '/users/1', { user: 'cron' })), 7)
  t.equal(passed(text, [...times(4, '/x'), ...times(4, '/x', { address: '10.0.0.1' })]), 5)
  t.equal(passed(text, times(9, '//x/../users/%31')), 3, 'as Kong normalizes it')
  t.throws(
    () => readLimits(text.replace('name: all,', 'name: all, hosts: [a.test],')),
    /different hosts.*--server/,
  )
})
