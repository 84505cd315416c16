import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { OPERATIONS } from '../../operations.js'
import { testService } from '../../service.js'

const DASHBOARD = 'https://dash.example'
t.test('the service among browsers', async (t) => {
  const { app } = await testService(t, {
    ...{
      CORS_ORIGINS: DASHBOARD,
      PUBLIC_HOSTS: 'ml,*.internal.example',
      PUBLIC_URL: 'https://aegis.example/ml',
    },
    API_KEYS: '',
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo

  /** The status and the code of the answer to a request as it is written. */
  const raw = async (...lines: string[]): Promise<string> => {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write(`${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`)
    const answer = await text(socket)
    return `${answer.split(' ')[1]} ${/"code":"(\w+)"/.exec(answer)?.[1] ?? ''}`.trim()
  }

  await t.test('answers under its own names alone', async (t) => {
    for (const [status, ...lines] of [
      ['200', 'GET /version HTTP/1.1', `Host: 127.0.0.1:${port}`],
      ['200', 'GET /version HTTP/1.1', 'Host: LOCALHOST.:1'],
      ['200', 'GET /version HTTP/1.1', 'Host: [::1]:5000'],
      ['200', 'GET /version HTTP/1.1', 'Host: ml:5000'],
      ['200', 'GET /version HTTP/1.1', 'Host: a.internal.example'],
      ['200', 'GET /version HTTP/1.1', 'Host: aegis.example'],
      ['200', 'GET /version HTTP/1.0'],
      ['200', 'GET http://localhost/version HTTP/1.1', 'Host: localhost'],
      ['400', 'GET /version HTTP/1.1'],
      ['403 HOST_NOT_ALLOWED', 'GET /version HTTP/1.0', 'Host: evil.example'],
      ['403 HOST_NOT_ALLOWED', 'GET /version HTTP/1.1', 'Host: evil.example:5000'],
      ['403 HOST_NOT_ALLOWED', 'GET /version HTTP/1.1', 'Host: localhost@evil.example'],
      ['403 HOST_NOT_ALLOWED', 'GET /version HTTP/1.1', 'Host:'],
      ['403 HOST_NOT_ALLOWED', 'GET http://evil.example/version HTTP/1.1', 'Host: localhost'],
      ['403 HOST_NOT_ALLOWED', 'GET http://localhost@evil.example/version HTTP/1.1', 'Host: localhost'],
      ['403 HOST_NOT_ALLOWED', 'GET http://localhost/version HTTP/1.1', 'Host: evil.example'],
      ['403 HOST_NOT_ALLOWED', 'OPTIONS /train HTTP/1.1', 'Host: evil.example', `Origin: ${DASHBOARD}`],
      ['403 HOST_NOT_ALLOWED', 'GET /nowhere HTTP/1.1', 'Host: evil.example'],
      ['400 INVALID_REQUEST', 'GET /version HTTP/1.1', 'Host: localhost', 'Host: localhost'],
      ['400 INVALID_REQUEST', 'GET /version HTTP/1.1', 'Host: localhost', 'hOST: evil.example'],
    ] as const)
      t.equal(await raw(...lines), status, lines.join(' | '))
  })

  await t.test('answers probes under every name', async (t) => {
    for (const path of ['/health/live', '/health/ready']) {
      t.equal(await raw(`GET ${path} HTTP/1.1`, 'Host: 10.1.2.3.pods.example'), '200', path)
      t.equal(await raw(`GET ${path}?a HTTP/1.1`, 'Host: evil.example', 'Sec-Fetch-Site: cross-site'), '200')
    }
  })

  await t.test('refuses every operation to the pages of other origins', async (t) => {
    const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    for (const { method, url } of OPERATIONS) {
      const { statusCode, body } = await app.inject({ method, url, headers })
      if (url.startsWith('/health/')) t.equal(statusCode, 200, url)
      // OTLP has an answer of its own.
      else
        t.match({ statusCode, body }, { statusCode: 403, body: /"CROSS_SITE"|"code":7/ }, `${method} ${url}`)
    }
    for (const url of ['/docs/', '/docs/json', '/nowhere'])
      t.equal((await app.inject({ url, headers })).statusCode, 403, url)
  })

  await t.test('answers the pages of listed origins, and lets their keys through', async (t) => {
    const headers = { origin: DASHBOARD, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }
    const wanted = 'authorization,content-type,x-api-key'
    const asked = { 'access-control-request-method': 'POST', 'access-control-request-headers': wanted }
    const preflight = await app.inject({
      method: 'OPTIONS',
      url: '/train',
      headers: { ...headers, ...asked },
    })
    t.match(preflight, { statusCode: 204, headers: { 'access-control-allow-origin': DASHBOARD } })
    t.equal(preflight.headers['access-control-allow-headers'], wanted)
    const answer = await app.inject({ url: '/version', headers })
    t.match(answer, {
      statusCode: 200,
      headers: { 'access-control-allow-origin': DASHBOARD, vary: 'Origin' },
    })
    for (const each of [preflight, answer]) t.notOk('access-control-allow-credentials' in each.headers)
    const incomplete = await app.inject({ method: 'OPTIONS', url: '/train', headers })
    t.match(incomplete.json(), { success: false, code: 'INVALID_REQUEST', message: /^OPTIONS is for/ })
  })

  await t.test('takes a body only with a content type that a page may not choose freely', async (t) => {
    const types = [
      ...[undefined, 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'],
      ...['text/plain; application/json', 'text/plain;a=application/json', 'text/plain,application/json'],
    ]
    for (const { method, url } of OPERATIONS.filter(({ body }) => body !== undefined)) {
      // Programs may send plain text there. Pages may not: see above.
      const takesText = url === '/ingest/requests'
      for (const type of types.filter((each) => !takesText || !each?.startsWith('text/plain'))) {
        for (const framing of [{}, { 'transfer-encoding': 'chunked' }]) {
          const headers = { ...framing, 'content-type': type }
          const { statusCode } = await app.inject({ method, url, headers, payload: '{"wait":false}' })
          t.equal(statusCode, 415, `${method} ${url} ${type} ${JSON.stringify(framing)}`)
        }
      }
    }
    const plain = { 'content-type': 'text/plain', origin: DASHBOARD }
    const page = await app.inject({ method: 'POST', url: '/ingest/requests', headers: plain, payload: '{}' })
    t.equal(page.statusCode, 415, 'a page sends plain text to the ingest')
  })

  await t.test('tells browsers to show, keep and guess nothing', async (t) => {
    for (const [url, statusCode] of [
      ['/health', 200],
      ['/nowhere', 404],
      ['/detect', 405],
    ] as const) {
      t.match(await app.inject({ url }), {
        statusCode,
        headers: {
          'x-content-type-options': 'nosniff',
          'cache-control': 'no-store',
          'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
          'cross-origin-resource-policy': 'same-origin',
          'referrer-policy': 'no-referrer',
          'x-frame-options': 'DENY',
          'x-powered-by': undefined,
        },
      })
    }
    const { headers } = await app.inject({ url: '/docs/' })
    const policy = String(headers['content-security-policy'])
    t.match(policy, /script-src 'self';.*frame-ancestors 'none'/)
    t.notMatch(policy, /unsafe|\*|https?:/, 'and no code in the page')
    t.equal(headers['x-content-type-options'], 'nosniff')
  })
})
