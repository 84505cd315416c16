import t from 'tap'
import type { RateLimitEntry } from '../../../formats/limit-files/limit-entry.js'
import { rateLimitFile, type RateLimitFileFormat } from '../../../formats/limit-files/limit-file.js'
import { pathPattern } from '../../../formats/limit-files/path-pattern.js'

const HEAD = { tier: 'default', strategy: 'balanced', generatedAt: '2026-01-31T12:00:00.000Z' }
const PLAIN: RateLimitEntry = {
  ...{ endpoint: 'GET /users/{id}', method: 'GET', path: '/users/{id}', scope: 'client' },
  ...{ limit: 100, burst: 20, longWindow: { seconds: 3600, limit: 900 } },
  ...{ dayWindow: null, exceptions: [], failures: null, distinctPaths: null },
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
  ...{ dayWindow: null, exceptions: [], failures: null, distinctPaths: null },
}

t.test('each file says what it has to', async (t) => {
  const cases: [RateLimitFileFormat, RegExp[]][] = [
    [
      'nginx',
      [
        /limit_req_dry_run on;/,
        /"~\^GET \/users\/.*\\z" 2;/,
        /2 "2:\$aegis_client";/,
        /rate=100r\/m;/,
        /burst=19 nodelay;/,
        /1 "1";/,
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
        /paths: \["~\/users\/.*\$"\]/,
        /minute: 100/,
        /hour: 900/,
        /limit_by: service/,
      ],
    ],
    [
      'express',
      [/limit: 100,/, /longWindow: \{ limit: 900, seconds: 3600 \}/, /method: 'GET'/, /scope: 'endpoint'/],
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
  t.match(path.replace('{id}', '42'), new RegExp(`^${pathPattern(path, 'units', 'raw')}$`))
  t.notMatch(path.replace('{id}', 'me'), new RegExp(`^${pathPattern(path, 'units', 'raw')}$`))
  t.equal(pathPattern('/é', 'bytes', 'raw'), '/\\xc3\\xa9')
  t.equal(pathPattern('/é', 'code-points', 'raw'), '/\\x{e9}')
  t.equal(pathPattern('/%7Ea%2fb', 'code-points', 'normalized'), '/\\x{7e}a\\x{25}2Fb')
  t.equal(pathPattern('/a%20b/{name}.json', 'bytes', 'decoded'), '/a\\x20b/[^/]+\\x2ejson')
  t.equal(pathPattern('/100%', 'bytes', 'raw'), '/100\\x25')
})
