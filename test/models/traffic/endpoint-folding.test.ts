import t from 'tap'
import { inSlices } from '../../../db/in-slices.js'
import { EndpointFolding } from '../../../models/traffic/endpoint-folding.js'
import { learnPositions } from '../../../models/traffic/learned-positions.js'
import { parsePathRules } from '../../../models/traffic/path-rules.js'
import { previewRules } from '../../../models/traffic/rules-preview.js'

const noDocument = () => t.fail('no document is read')
const rules = (document: object) => parsePathRules(document, noDocument)

t.test(
  'declared templates come before shapes, literals before placeholders, and templates are their own',
  async (t) => {
    const folding = new EndpointFolding(
      rules({ templates: ['/shop/{category}/{item}', '/shop/{category}/new', '/files/v{version}.zip'] }),
    )
    const cases: [string, string][] = [
      ['/shop/toys/bear?x=1', '/shop/{category}/{item}'],
      ['/shop/toys/42', '/shop/{category}/{item}'],
      ['/shop/toys/new', '/shop/{category}/new'],
      ['/shop/toys', '/shop/toys'],
      ['/shop/toys/bear/7', '/shop/toys/bear/{id}'],
      ['/files/v12.zip', '/files/v{version}.zip'],
    ]
    for (const [path, template] of cases) {
      t.equal(folding.template(path), template)
      t.equal(folding.template(template), template)
    }
  },
)

t.test('the names of placeholders make no difference to what matches', async (t) => {
  const folding = new EndpointFolding(rules({ templates: ['/{a}/{b}', '/{c}/new', '/{d}-x/y'] }))
  t.equal(folding.template('/1/new'), '/{c}/new')
  t.equal(folding.template('/1/old'), '/{a}/{b}')
  t.equal(folding.template('/1-x/y'), '/{a}/{b}')
})

t.test('ignored paths have the pattern as their template', async (t) => {
  const folding = new EndpointFolding(rules({ ignore: ['/health', '/static/**', '/a/*/c'] }))
  t.same(folding.fold('/health?probe=1'), { template: '/health', kind: 'ignored' })
  t.same(folding.fold('/static/js/app.js'), { template: '/static/**', kind: 'ignored' })
  t.equal(folding.fold('/a/b/c').kind, 'ignored')
  t.equal(folding.fold('/a/b/b/c').kind, 'learned')
  t.equal(folding.fold('/healthy').kind, 'learned')
})

t.test('of a path of any length, the first 8,192 characters are looked at', async (t) => {
  const { template } = new EndpointFolding().fold(`/orders/42/${'a'.repeat(100_000)}`)
  t.equal(template, '/orders/{id}/{id}')
  const ids = '/42'.repeat(2_730) // 8,190 characters, of which the template keeps the first
  const same = new EndpointFolding().fold(ids).template
  t.equal(new EndpointFolding().fold(`${ids}/\u{1f600}/${'b/'.repeat(50_000)}`).template, same)
})

t.test('case, trailing slash and host are as the rules say', async (t) => {
  const strict = new EndpointFolding()
  t.equal(strict.template('/Users/'), '/Users/')
  t.equal(strict.template('https://Shop.example.com/items/7'), '/items/{id}')
  const loose = new EndpointFolding(
    rules({ case_insensitive: true, trailing_slash: 'ignore', host: true, templates: ['/Shop/{Name}'] }),
  )
  t.equal(loose.template('/Users/ORD-123/'), '/users/{id}')
  t.equal(loose.template('/SHOP/x/'), '/Shop/{Name}')
  t.equal(loose.template('/'), '/')
  t.equal(loose.template('https://Shop.example.com/Items/7'), 'shop.example.com/items/{id}')
  t.equal(loose.template('http://me@shop.example.com:443/Items/7?x'), 'shop.example.com/items/{id}')
  t.equal(loose.template('http://[2001:db8::1]:80/a'), '[2001:db8::1]/a')
  t.equal(loose.template('shop.example.com/items/{id}'), 'shop.example.com/items/{id}', 'its own')
  t.equal(loose.template('/Items/7'), '/items/{id}', 'no host is known')
  const hosts = new EndpointFolding(
    rules({ host: true, templates: ['/shop/{name}', 'b.example/shop/new'], ignore: ['/health'] }),
  )
  for (const path of ['http://a.example/shop/x', 'a.example/shop/{name}'])
    t.same(hosts.fold(path), { template: 'a.example/shop/{name}', kind: 'declared' })
  t.equal(hosts.template('http://b.example/shop/new'), 'b.example/shop/new')
  t.equal(hosts.template('/shop/x'), '/shop/{name}')
  t.equal(hosts.fold('http://a.example/health').kind, 'ignored')
})

t.test('the paths of an OpenAPI document are endpoints below the path of its server', async (t) => {
  const document = {
    servers: [{ url: 'https://api.example.com/v1/' }],
    paths: { '/users/{name}': {}, '/x': {} },
  }
  t.same(parsePathRules({ openapi: 'api.json' }, () => document).templates, ['/v1/users/{name}', '/v1/x'])
  t.same(rules({ openapi: document }).templates, ['/v1/users/{name}', '/v1/x'])
  for (const [url, template] of [
    ['x', '/x/a'],
    ['./x//', '/x/a'],
    ['/', '/a'],
    ['', '/a'],
    ['.', '/a'],
    ['{scheme}://{host}:80/v2', '/v2/a'],
  ] as const) {
    t.same(rules({ openapi: { servers: [{ url }], paths: { '/a': {} } } }).templates, [template], url)
  }
})

t.test('wrong rules are refused with the name of the field', async (t) => {
  const wrong: [unknown, RegExp][] = [
    [[], /the rules must be a JSON object/],
    [{ template: [] }, /^template is not known; allowed are templates, ignore/],
    [{ templates: ['shop?'] }, /^templates must be like/],
    [{ templates: 'x' }, /^templates must be a list/],
    [{ templates: Array(2001).fill('/a') }, /^templates must be a list of up to 2000/],
    [{ ignore: ['*a*b*c*d*e'] }, /^ignore must have at most 4 wildcards/],
    [{ trailing_slash: true }, /^trailing_slash must be strict or ignore/],
    [{ host: 1 }, /^host must be true or false/],
    [{ templates: ['/a\nb'] }, /^templates must be a list .* without control characters/],
    [{ templates: ['/a\u2028b'] }, /^templates must be a list/],
    [{ ignore: ['/a\x7f'] }, /^ignore must be a list/],
    [{ openapi: { paths: { '/a\r': {} } } }, /^openapi must have paths of 1 to 255 .*, not \/a\\r$/],
    [{ openapi: { paths: { '/a?': {} } } }, /^openapi must have paths like/],
    [
      { openapi: { basePath: `${'/'.repeat(80_000)}x`, paths: { '/a': {} } } },
      /^openapi must have a basePath/,
    ],
    [{ openapi: {} }, /^openapi must be an OpenAPI document/],
  ]
  for (const [document, message] of wrong) t.throws(() => rules(document as object), message)
})

const weight = (path: string, successes: number, client = 1) => {
  return { path, successes, firstClient: client, lastClient: client }
}
const users = Array.from({ length: 300 }, (_, i) => weight(`/users/name${i}x`, 3, i))

t.test('a position with many values is learned, and busy siblings stay', async (t) => {
  const api = Array.from({ length: 100 }, (_, i) => weight(`/api/r${i}x`, 30, i))
  const positions = learnPositions([...users, weight('/users/search', 500), ...api])
  t.same(positions, [{ parent: '/users', kept: ['search'] }])
  const folding = new EndpointFolding(undefined, positions)
  t.equal(folding.template('/users/alice/orders/7'), '/users/{value}/orders/{id}')
  t.equal(folding.template('/users/search'), '/users/search')
  t.equal(folding.template('/users/'), '/users/')
  t.equal(folding.template('/users'), '/users')
  t.equal(folding.template('/users/{value}'), '/users/{value}')
  t.same(learnPositions([...users, weight('/users/search', 500)].reverse()), positions, 'in any order')
})

t.test('one client teaches nothing, nor do as many siblings as an interface has', async (t) => {
  t.same(learnPositions(users.map((each) => ({ ...each, firstClient: 1, lastClient: 1 }))), [])
  t.same(learnPositions(users.slice(0, 119)), [])
})

t.test('a preview says what merges and what is ignored', async (t) => {
  const paths = [
    { method: 'GET', path: '/shop/toys/bear', requests: 5 },
    { method: 'GET', path: '/shop/toys/car', requests: 7 },
    { method: 'GET', path: '/health', requests: 9 },
    { method: 'POST', path: '/a', requests: 1 },
  ]
  const next = new EndpointFolding(rules({ templates: ['/shop/{category}/{item}'], ignore: ['/health'] }))
  t.same(await inSlices(previewRules(paths, new EndpointFolding(), next)), {
    paths: 4,
    endpointsBefore: 4,
    endpointsAfter: 2,
    changed: [
      {
        endpoint: 'GET /shop/{category}/{item}',
        requests: 12,
        from: ['GET /shop/toys/car', 'GET /shop/toys/bear'],
        fromCount: 2,
      },
    ],
    changedCount: 1,
    ignored: [{ endpoint: '/health', requests: 9, from: ['GET /health'], fromCount: 1 }],
  })
  let looks = 0
  const part = await inSlices(previewRules(paths, new EndpointFolding(), next, () => ++looks > 3))
  t.match(part, { paths: 3, endpointsBefore: 3, endpointsAfter: 1 }, 'when the time is over')
})

t.test('of very many endpoints a preview shows the busiest, whatever their order', async (t) => {
  const paths = Array.from({ length: 2_500 }, (_, i) => {
    return { method: 'GET', path: `/a${i}x/b`, requests: 1 + ((i * 7) % 2_500) }
  })
  const templates = paths.slice(0, 1_500).map(({ path }) => path.replace('/b', '/{any}'))
  const found = await inSlices(
    previewRules(paths, new EndpointFolding(), new EndpointFolding(rules({ templates }))),
  )
  t.match(found, { changedCount: 1_500, changed: { length: 1_000 } })
  const shown = found.changed.map(({ requests }) => requests)
  const all = paths.slice(0, 1_500).map(({ requests }) => requests)
  t.same(shown, all.sort((a, b) => b - a).slice(0, 1_000))
})
