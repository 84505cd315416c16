import t from 'tap'
import { readLimits } from '../../../formats/limit-files/read/read-limits.js'
import { passed, times } from './replayed.js'

const ZONE = 'limit_req_zone $binary_remote_addr zone=a:1m rate=1r/m;'
const many = (count: number, text: string) => text.repeat(count)
const FRONTEND =
  'frontend f\n mode http\n stick-table type ip size 1m expire 1m store http_req_rate(60s)\n http-request track-sc0 src\n'
const DENY = (condition: string) => ` http-request deny if ${condition} { sc_http_req_rate(0) gt 2 }\n`

t.test('a file that is too large in one of its parts is refused with the place', async (t) => {
  const cases: ['nginx' | 'haproxy', string, RegExp][] = [
    ['nginx', `${many(50_000, 'a {')}${many(50_000, '}')}`, /line 1: more than 100 blocks are in each other/],
    [
      'nginx',
      `${ZONE} map $uri $x {\n${many(400_000, '/a 1;\n')}}`,
      /line 200\d+: .* more than 600100 words/,
    ],
    ['haproxy', `${FRONTEND}${many(300_000, ' acl a path /x\n')}`, /more than 200000 lines/],
    [
      'haproxy',
      `${FRONTEND}${many(20_000, ' acl a path /x\n')}`,
      /line 10005: more than 10000 lines of the acl a/,
    ],
    ['haproxy', `${FRONTEND} acl a path ${many(20_000, '(')}`, /line 5: more than 16384 characters/],
    ['haproxy', many(20_000, 'frontend f\n'), /line 10001: more than 10000 sections/],
  ]
  for (const depth of [200, 100_000]) {
    const deep = `rate_limits: ${many(depth, '[')}${many(depth, ']')}`
    t.throws(() => readLimits(deep, 'aegis'), /line 1: more than 100 values are in each other/)
  }
  for (const [gateway, text, problem] of cases) t.throws(() => readLimits(text, gateway), problem)
})

t.test('a URI or a variable that doubles with each rule of NGINX ends with the line', async (t) => {
  const twice = many(40, 'rewrite ^(.*)$ $1$1;\n')
  const limits = readLimits(`${ZONE} server { limit_req zone=a;\n${twice}}`, 'nginx')
  const [request] = times(1, '/abc')
  t.throws(() => limits.limitsOf(request!), /line \d+: a request makes a text longer than 65536 characters/)
  const set = readLimits(
    `${ZONE} server { limit_req zone=a; set $x abc;\n${many(40, 'set $x $x$x;')}}`,
    'nginx',
  )
  t.throws(() => set.limitsOf(request!), /line 2: a request makes a text longer/)
  t.equal(passed(`${ZONE} server { limit_req zone=a; rewrite ^(.*)$ $1$1; }`, times(3, '/abc')), 1)
})

t.test('each line of an acl of HAProxy meets what stands beside it', async (t) => {
  const acls = ' acl a path /a\n acl a path /b\n acl b method POST\n'
  const text = `${FRONTEND}${acls}${DENY('a b')}`
  t.equal(passed(text, times(5, '/a')), 5, 'a holds, and b does not')
  t.equal(passed(`${FRONTEND}${acls}${DENY('a !b')}`, times(5, '/a')), 2)
  t.equal(passed(`${FRONTEND}${acls}${DENY('!a !b')}`, times(5, '/a')), 5)
  t.equal(passed(`${FRONTEND}${acls}${DENY('!a !b')}`, times(5, '/c')), 2)
})
