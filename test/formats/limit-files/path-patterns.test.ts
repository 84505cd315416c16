import t from 'tap'
import { cloudflareFile } from '../../../formats/limit-files/cloudflare.js'
import { pathPattern, pathPatterns } from '../../../formats/limit-files/path-pattern.js'
import { rateLimitFile } from '../../../formats/limit-files/limit-file.js'
import { EndpointFolding } from '../../../models/traffic/endpoint-folding.js'
import { NO_RULES, parsePathRules } from '../../../models/traffic/path-rules.js'
import { entry, HEAD } from './limit-requests.js'

const SEGMENTS = [
  ...[
    '42',
    '-3.5',
    '2026-01-31T10:15:00Z',
    '123e4567-e89b-12d3-a456-426614174000',
    '0x00ff00ff00ff00ff',
    'a1b2c3d',
  ],
  ...[
    'ORD-12345',
    'order-123456',
    'u12345',
    '01ARZ3NDEKTSV4RRFFQ69G5FAV',
    'a@example.com',
    'x'.repeat(45),
    '~'.repeat(90),
  ],
  ...['me', 'facade', 'deadbeef', 'getUserProfileInformation2', 'v1', '', 'a/b', 'x'.repeat(20)],
]

t.test('a template in several short expressions matches what it matches in one', async (t) => {
  const patterns = pathPatterns('/users/{id}/orders.json', 'bytes', 'raw', 510)!
  t.ok(patterns.length > 1 && patterns.every(({ length }) => length <= 510))
  t.notOk(
    patterns.some((pattern) => pattern.includes('(?=')),
    'without lookahead',
  )
  const whole = new RegExp(`^${pathPattern('/users/{id}/orders.json', 'bytes', 'raw')}$`)
  for (const segment of SEGMENTS) {
    const path = `/users/${segment}/orders.json`
    t.equal(
      patterns.some((pattern) => new RegExp(`^${pattern}$`).test(path)),
      whole.test(path),
      path,
    )
  }
  t.strictSame(pathPatterns('/a/{name}', 'bytes', 'raw', 510), ['/a/[^/]+'])
  t.equal(pathPatterns('/{id}/{id}', 'bytes', 'raw', 510), null)
})

t.test('whatever is a placeholder to the rules of paths is one in a file', async (t) => {
  for (const template of ['/api/{user id}', '/api/{größe}', '/api/{id:int}']) {
    const { templates } = parsePathRules({ templates: [template] }, () => null)
    t.equal(new EndpointFolding({ ...NO_RULES, templates }).template('/api/alice'), template)
    t.match('/api/alice', new RegExp(`^${pathPattern(template, 'bytes', 'raw')}$`), template)
  }
})

t.test('3,000 endpoints stay within the limits of the gateways', async (t) => {
  const entries = Array.from({ length: 3000 }, (_, i) =>
    entry(`GET /api/resource-${i}${i % 2 ? '/list' : '/{id}'}`),
  )
  const longest = (text: string) => text.split('\n').reduce((most, { length }) => Math.max(most, length), 0)
  t.ok(longest(rateLimitFile('haproxy', entries, HEAD)) < 2048, 'a line of HAProxy')
  t.ok(longest(rateLimitFile('nginx', entries, HEAD)) < 4096, 'a parameter of NGINX')
  const expressions = [...cloudflareFile(entries, HEAD).matchAll(/expression +=(.*)/g)].map(
    ([, text]) => text!,
  )
  t.ok(
    expressions.every(({ length }) => length < 4096) && expressions.length < 1600,
    'paths share expressions',
  )
  const patterns = [...rateLimitFile('aws-waf', entries, HEAD).matchAll(/regex_string = "(.*)"/g)].map(
    ([, text]) => text!,
  )
  t.ok(
    patterns.every((text) => text.replaceAll('\\\\', '\\').length <= 512),
    'an expression of AWS WAF',
  )
})
