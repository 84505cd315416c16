import t from 'tap'
import { isCrossSite } from '../../../plugins/http/cross-site.js'

const LISTED = 'https://dash.example'
const isListed = (origin: string) => origin === LISTED
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']

/** What browsers say of a request: Sec-Fetch-Site, -Mode, -Dest and Origin, where they send them. */
function sent(method: string, site?: string, origin?: string, mode = 'cors', dest = 'empty') {
  const fetched = site && { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest }
  return { method, headers: { host: 'aegis.example:5000', ...fetched, ...(origin && { origin }) } }
}

t.test('programs and our own pages may send everything', async (t) => {
  for (const method of METHODS) {
    t.notOk(isCrossSite(sent(method), isListed), `${method} of a program`)
    t.notOk(isCrossSite(sent(method, 'none'), isListed), `${method} that a person has typed`)
    t.notOk(isCrossSite(sent(method, 'same-origin', 'http://aegis.example:5000'), isListed), method)
    t.notOk(
      isCrossSite(sent(method, 'same-origin', 'https://proxy.example'), isListed),
      `${method} by a proxy`,
    )
    t.notOk(
      isCrossSite(sent(method, undefined, 'http://aegis.example:5000'), isListed),
      `${method}, old browser`,
    )
    t.notOk(
      isCrossSite(sent(method, undefined, 'https://AEGIS.example:5000'), isListed),
      `${method} behind TLS`,
    )
  }
})

t.test('the default port of an origin is that of its scheme', async (t) => {
  for (const [origin, host, isForeign] of [
    ['https://aegis.example', 'aegis.example', false],
    ['https://aegis.example', 'aegis.example:443', false],
    ['http://aegis.example', 'aegis.example:80', false],
    ['http://aegis.example', 'aegis.example:5000', true],
    ['http://[::1]:5000', '[::1]:5000', false],
    ['http://[::1]:5001', '[::1]:5000', true],
  ] as const)
    t.equal(
      isCrossSite({ method: 'POST', headers: { origin, host } }, isListed),
      isForeign,
      `${origin} ${host}`,
    )
})

t.test('pages of listed origins may send everything that says where it is from', async (t) => {
  for (const method of METHODS) {
    for (const site of [undefined, 'cross-site', 'same-site']) {
      t.notOk(isCrossSite(sent(method, site, LISTED), isListed), `${method} ${site}`)
    }
  }
  t.ok(isCrossSite(sent('GET', 'cross-site', undefined, 'no-cors', 'image'), isListed))
})

t.test('pages of other origins may send nothing', async (t) => {
  const origins = [
    ...[
      'https://evil.example',
      'http://aegis.example',
      'http://aegis.example:5001',
      'null',
      '',
      'aegis.example:5000',
    ],
    ...[
      'http://aegis.example:5000.evil.example',
      'http://aegis.example:5000@evil.example',
      'https://dash.example.',
    ],
    ...[
      'chrome-extension://abc',
      'file://aegis.example:5000',
      'http://',
      `${LISTED}/`,
      `${LISTED},https://evil.example`,
    ],
  ]
  for (const method of METHODS) {
    for (const origin of origins.filter((each) => each !== '')) {
      for (const site of [undefined, 'none', 'cross-site', 'same-site', 'of-tomorrow'])
        t.ok(isCrossSite(sent(method, site, origin), isListed), `${method} ${site} ${origin}`)
    }
    for (const site of ['cross-site', 'same-site', 'of-tomorrow', '']) {
      if (site !== '') t.ok(isCrossSite(sent(method, site), isListed), `${method} ${site}`)
    }
  }
})

t.test('a link from another page works, and nothing else that loads a page', async (t) => {
  const navigation = (method: string, dest: string, origin?: string) =>
    isCrossSite(sent(method, 'cross-site', origin, 'navigate', dest), isListed)
  t.notOk(navigation('GET', 'document'))
  for (const dest of ['iframe', 'frame', 'object', 'embed', 'empty']) t.ok(navigation('GET', dest), dest)
  t.ok(navigation('POST', 'document'), 'a form')
  t.ok(navigation('POST', 'document', 'https://evil.example'), 'a form that says where it is from')
})
