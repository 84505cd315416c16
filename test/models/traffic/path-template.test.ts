import t from 'tap'
import fc from '../../properties.js'
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
    ['/static/2.3f2a9c1b.chunk.js.map', '/static/2.{id}.chunk.js.map'],
    ['/assets/index-BX2k9aQz.js', '/assets/index-{hash}.js'],
    ['/assets/logo.DKd8y3Wx.svg', '/assets/logo.{hash}.svg'],
    ['/assets/a-b_-2k9aQ.js', '/assets/a-{hash}.js'],
    ['/npm/lodash@4.17.21/lodash.js', '/npm/lodash@{id}/lodash.js'],
    ['/npm/@babel/core@7.24.0', '/npm/@babel/core@{id}'],
    ['/bootstrap-5.3.0/css', '/bootstrap-{id}/css'],
    ['/img/photo-1024x768.jpg', '/img/photo-{id}.jpg'],
    ['/thumbs/300x200/a.png', '/thumbs/{id}/a.png'],
    ['/backups/db-2024-05-01.sql.gz', '/backups/db-{id}.sql.gz'],
    ['/backups/db_20240501_1015.tar', '/backups/db_{id}.tar'],
    ['/reports/2024-05-01', '/reports/{id}'],
    ['/reports/20240501', '/reports/{id}'],
    ['/reports/2024/05/01', '/reports/{id}/{id}/{id}'],
    ['/reports/2024-W18', '/reports/{id}'],
    ['/reports/2024-Q1', '/reports/{id}'],
    ['/events/2024-05-01T10%3A15%3A00Z', '/events/{id}'],
    ['/events/2024-05-01T10%3a15%3a00%2b02:00', '/events/{id}'],
    ['/at/50.1109,-8.6821', '/at/{id}'],
    ['/at/50.1109%2C8.6821', '/at/{id}'],
    ['/hosts/192.168.1.1', '/hosts/{id}'],
    ['/hosts/2001:db8::1', '/hosts/{id}'],
    ['/hosts/00:1A:2B:3C:4D:5E', '/hosts/{id}'],
    ['/tokens/YWxpY2U=', '/tokens/{id}'],
    ['/tokens/YWxpY2U%3D', '/tokens/{id}'],
    ['/tokens/YWxpY2VAZXhhbXBsZS5jb20=', '/tokens/{id}'],
    ['/sessions/01arz3ndektsv4rrffq69g5fav', '/sessions/{id}'],
    ['/k/0ujtsYcgvSTl8PAuAdqWYSMnLOv', '/k/{id}'],
    ['/k/2Dn0Ys4cKqVJ8xQbH1mN3pRtUvW', '/k/{id}'],
    ['/c/cjld2cjxh0000qzrmn831i7rn', '/c/{id}'],
    ['/c/clh3am4bh0000', '/c/{id}'],
    ['/n/Uakgb_J5m9g-0JDMbcJqLJ', '/n/{id}'],
    ['/mongo/507f1f77bcf86cd799439011', '/mongo/{id}'],
    ['/ch/ch_3MmlLrLkdIwHu7ix0snN0B15', '/ch/{id}'],
    ['/dp/B07XJ8C8F5', '/dp/{id}'],
    ['/isbn/978-3-16-148410-0', '/isbn/{id}'],
    ['/iban/DE89370400440532013000', '/iban/{id}'],
    ['/orders/SKU-AB-1234', '/orders/{id}'],
    ['/orders/order_2024_00012', '/orders/{id}'],
    ['/questions/12345-how-to-sort', '/questions/{id}'],
    ['/p/red-shoes-123456', '/p/{id}'],
    ['/pods/nginx-7d4b9c6f8-x2x9z', '/pods/{id}'],
    ['/people/auth0|5f7c8d9b4a1b2c3d4e5f6071', '/people/{id}'],
    ['/people/google-oauth2%7C103547991597142817347', '/people/{id}'],
    ['/people/alice+news@example.co.uk', '/people/{id}'],
    ['/wallets/0x742d35Cc6634C0532925a3b844Bc454e4438f44e', '/wallets/{id}'],
    ['/flags/0xff', '/flags/{id}'],
    ['/odata/Products(42)/Name', '/odata/Products({id})/Name'],
    ["/odata/P(guid'550e8400-e29b-41d4-a716-446655440000')", "/odata/P(guid'{id}')"],
    ['/jobs/42:cancel', '/jobs/{id}:cancel'],
    ['/a;jsessionid=1A2B3C4D5E6F/b', '/a;jsessionid={id}/b'],
    ['/maps;lat=50.1;long=8.6;name=home', '/maps;lat={id};long={id};name=home'],
    ['/42;v=1', '/{id};v={id}'],
    ['/a//b/42', '/a//b/{id}'],
    ['/**', '/{id}'],
    ['/files/*/a', '/files/{id}/a'],
    ['other', '/other'],
    ['Other?page=2', '/Other'],
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
    '/V2/API/v10/x',
    '/v1.2.3/x',
    '/api-2.1/users',
    '/release-2024.05/notes',
    '/en-US/zh-Hant-TW/pt-br/en_US',
    '/assets/vendor.min.js',
    '/assets/logo-Sections.svg',
    '/fonts/OpenSans-SemiBold.woff2',
    '/fonts/fa-solid-900.woff2',
    '/b2b/p2p/3d/2fa/i18n/a11y/l10n/k8s',
    '/s3/web3/log4j/h264/mp3/x86_64/win32/es6/html5/utf8mb4',
    '/base64/iso8601/rfc2616/base58check',
    '/page-2/step1/chapter-12/level3',
    '/posts/how-to-cook-rice',
    '/posts/covid-19-update',
    '/posts/10-tips-for-2024',
    '/@alice',
    '/~bob99',
    '/user~name/john.doe/alice_1990',
    '/users/o%27neil/alice%20smith',
    '/files/%E6%97%A5%E6%9C%AC',
    '/größe/straße',
    '//double//slash//',
    '/a/./b/../c',
    '/shop/item;color=red/x',
    '/tag/c++/node.js',
    '/odata/$metadata',
    "/odata/Orders('ALFKI')",
    '/arn:aws:s3',
    '/users/me:activate',
    '/regions/us-east-1a',
    '/decade/cafe/color/ff00aa',
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
