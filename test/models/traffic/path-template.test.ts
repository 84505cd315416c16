import fc from 'fast-check'
import t from 'tap'
import { pathTemplate } from '../../../models/traffic/path-template.js'

t.test('what differs between the paths of an endpoint becomes {id}', async (t) => {
  const examples: [string, string][] = [
    ['/users/42', '/users/{id}'],
    ['/users/42/orders/7.json?page=2', '/users/{id}/orders/{id}.json'],
    ['/a/-3.5/2026-01-31', '/a/{id}/{id}'],
    ['/a/550e8400-e29b-41d4-a716-446655440000/b', '/a/{id}/b'],
    ['/a/ABCDEFAB-CDEF-ABCD-EFAB-CDEFABCDEFAB', '/a/{id}'],
    ['/files/d41d8cd98f00b204e9800998ecf8427e', '/files/{id}'],
    ['/files/deadbeefdeadbeef.png', '/files/{id}.png'],
    ['/sessions/01ARZ3NDEKTSV4RRFFQ69G5FAV', '/sessions/{id}'],
    [`/tokens/${'a'.repeat(41)}`, '/tokens/{id}'],
    ['/commits/3f2a91b/diff', '/commits/{id}/diff'],
    ['/orders/ORD-12345', '/orders/{id}'],
    ['/orders/INV-2026-00012', '/orders/{id}'],
    ['/users/alice@example.com', '/users/{id}'],
    ['/users/alice%40example.co.uk/mails', '/users/{id}/mails'],
    ['/events/2026-01-31T10:15:00Z', '/events/{id}'],
    ['/pastes/V1StGXR8_Z5jdHi6B-myT', '/pastes/{id}'],
    ['/static/main.3f2a91bc.js', '/static/main.{id}.js'],
    ['/static/main-3f2a91bc.js', '/static/main-{id}.js'],
    ['/static/app-v1.2.3.min.css', '/static/app-v{id}.min.css'],
    ['/static/jquery-3.6.0.min.js', '/static/jquery-{id}.min.js'],
    ['/jwt/eyJhbGciOi.eyJzdWIiOiIxMjM0.SflKxwRJSMeKKF2QT4fwpMeJf36POk', '/jwt/{id}'],
  ]
  for (const [path, template] of examples) t.equal(pathTemplate(path), template)
})

t.test('what is the same for all its paths stays', async (t) => {
  for (const path of [
    '/',
    '/api/v1/users',
    '/api/v2.1/users/',
    '/.well-known/openid-configuration',
    '/assets/app.js',
    '/deadbeef',
    '//',
    '*',
    'users',
    '/größe/日本',
    '/facade',
    '/getUserProfileInformation2',
    '/internationalization-and-localization-settings',
    '/oauth2/sha256/ipv4/utf-8',
    '/images/logo@2x.png',
    '/@vue/runtime',
  ]) {
    t.equal(pathTemplate(path), path)
  }
})

t.test('query string and fragment are dropped, and no path is the root', async (t) => {
  t.equal(pathTemplate('/a?b=/c/d#e'), '/a')
  t.equal(pathTemplate('/a#b?c'), '/a')
  t.equal(pathTemplate(''), '/')
  t.equal(pathTemplate('?a=1'), '/')
})

t.test('a template ends with a whole segment within 255 characters', async (t) => {
  const template = pathTemplate(`/${'name/'.repeat(2000)}`)
  t.equal(template, `/${'name/'.repeat(50)}name`)
  const astral = pathTemplate('/😀😀😀'.repeat(1000))
  t.ok(astral.length <= 255)
  t.notMatch(astral, LONE_SURROGATE)
})

/** Half of a character. */
const LONE_SURROGATE = /\p{Cs}/u

const segment = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.uuid(),
  fc.integer().map(String),
  fc.double().map(String),
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 10, maxLength: 70 }),
  fc.string({ unit: fc.constantFrom(...'0123456789abcxyzABC_-.{}%'), maxLength: 60 }),
)
const path = fc
  .array(fc.oneof(segment, fc.constantFrom('{id}', '.', '..', '?', '#', '.json')), { maxLength: 60 })
  .map((segments) => segments.join('/'))

t.test('a template is its own template, not empty, bounded and well-formed', async (t) => {
  fc.assert(
    fc.property(path, (path) => {
      const template = pathTemplate(path)
      return (
        pathTemplate(template) === template &&
        template.length > 0 &&
        template.length <= 255 &&
        !/[?#]/.test(template) &&
        (LONE_SURROGATE.test(path) || !LONE_SURROGATE.test(template))
      )
    }),
    { seed: 3, numRuns: 2000 },
  )
  t.pass()
})

t.test('numbers of any size lead to the same template', async (t) => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 60n }), (id) => pathTemplate(`/a/${id}/b`) === '/a/{id}/b'),
  )
  t.pass()
})

t.test('10,000 hostile characters are folded like any others', async (t) => {
  for (const unit of ['1', '1.', 'a', '/', '.', '-', '1-', '/1', 'a1', '?', '{id}', '/.a']) {
    const template = pathTemplate(`/${unit.repeat(10_000 / unit.length)}`)
    t.ok(template.length <= 255)
    t.equal(pathTemplate(template), template)
  }
})
