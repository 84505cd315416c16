import t from 'tap'
import type { RateLimitEntry } from '../../../formats/limit-files/limit-entry.js'
import { rateLimitFile, type RateLimitFileFormat } from '../../../formats/limit-files/limit-file.js'
import { pathPattern } from '../../../formats/limit-files/path-pattern.js'

const HEAD = { tier: 'default', strategy: 'balanced', generatedAt: '2026-01-31T12:00:00.000Z' }
const PLAIN: RateLimitEntry = {
  ...{ endpoint: 'GET /users/{id}', method: 'GET', path: '/users/{id}', scope: 'client' },
  ...{ limit: 100, burst: 20, longWindow: { seconds: 3600, limit: 900 } },
  ...{ exceptions: [], failures: null, distinctPaths: null },
}
const SHARED: RateLimitEntry = {
  ...{
    endpoint: '/health',
    method: null,
    path: '/health',
    scope: 'endpoint',
    limit: 60,
    burst: 10,
    longWindow: null,
  },
  ...{ exceptions: [], failures: null, distinctPaths: null },
}

t.test('each file says what it has to', async (t) => {
  const cases: [RateLimitFileFormat, RegExp[]][] = [
    [
      'nginx',
      [
        /limit_req_dry_run on;/,
        /"~\^GET \/users\/\[\^\/\]\+\$" 1;/,
        /1 "1:\$binary_remote_addr";/,
        /rate=100r\/m;/,
        /burst=19 nodelay;/,
        /2 "2";/,
      ],
    ],
    [
      'envoy',
      [
        /^domain: aegis_ml$/m,
        /value: "GET \/users\/{id}"/,
        /requests_per_unit: 100/,
        /unit: hour/,
        /shadow_mode: true/,
      ],
    ],
    [
      'kong',
      [
        /^_format_version: "3.0"$/m,
        /methods: \["GET"\]/,
        /paths: \["~\/users\/\[\^\/\]\+\$"\]/,
        /minute: 100/,
        /hour: 900/,
        /limit_by: service/,
      ],
    ],
    [
      'express',
      [/windowMs: 60000, limit: 100/, /windowMs: 3600000, limit: 900/, /method: 'GET'/, /keyGenerator/],
    ],
    ['headers', [/^GET \/users\/{id}\tRateLimit-Policy: "minute";q=100;w=60, "long";q=900;w=3600$/m]],
  ]
  for (const [format, patterns] of cases) {
    const text = rateLimitFile(format, [PLAIN, SHARED], HEAD)
    for (const pattern of [...patterns, /2026-01-31T12:00:00.000Z: tier default, strategy balanced/]) {
      t.match(text, pattern, format)
    }
    t.ok(rateLimitFile(format, [], HEAD).endsWith('\n'), `${format} without endpoints`)
  }
})

t.test('a pattern matches its path, whatever characters there are in it', async (t) => {
  const path = '/a"\n}; \\$host*/{id}.é'
  t.match(path.replace('{id}', '42'), new RegExp(pathPattern(path, 'bytes', 'raw').replace('\\xc3\\xa9', 'é')))
  t.equal(pathPattern('/a%20b/{name}.json', 'bytes', 'decoded'), '/a\\x20b/[^/]+\\x2ejson')
  t.equal(pathPattern('/100%', 'bytes', 'raw'), '/100\\x25')
})

t.test('the module for Express can be loaded and matches paths', async (t) => {
  const text = rateLimitFile('express', [PLAIN, SHARED], HEAD)
  const module = (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as {
    limits: { method: string; path: RegExp; windows: { limit: number }[] }[]
  }
  t.match(module.limits, [{ windows: [{ limit: 60 }] }, { windows: [{ limit: 100 }, { limit: 900 }] }])
  t.ok(module.limits[1]!.path.test('/users/42'))
  t.notOk(module.limits[1]!.path.test('/users/42/orders'))
})
