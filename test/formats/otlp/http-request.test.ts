import t from 'tap'
import { readJson } from '../../../formats/otlp/attributes.js'
import { readHttpRequest } from '../../../formats/otlp/http-request.js'

const read = (attributes: Record<string, unknown>, known: { durationMs?: number; error?: string } = {}) =>
  readHttpRequest(readJson(attributes), {
    timeMs: 0,
    durationMs: known.durationMs,
    resource: readJson({ 'service.name': 'users' }),
    error: known.error,
  })

const GET = { 'http.request.method': 'GET', 'url.path': '/', 'http.response.status_code': 200 }

t.test('stable names go before older ones', async (t) => {
  const older = {
    'http.method': 'POST',
    'http.target': '/old?x=1',
    'http.status_code': 201,
    'net.peer.ip': '198.51.100.1',
    'http.user_agent': 'old',
  }
  t.match(read(older), { method: 'POST', path: '/old', status: 201, client: '198.51.100.1', agent: 'old' })
  const stable = {
    ...GET,
    'client.address': '203.0.113.7',
    'user_agent.original': 'new',
    'enduser.id': 'zoe',
  }
  t.match(read({ ...older, ...stable }), {
    ...{ method: 'GET', path: '/', status: 200, client: '203.0.113.7', agent: 'new' },
    ...{ user: 'zoe', backend: 'users' },
  })
})

t.test('the host is what the client asked for, or else the name of the server', async (t) => {
  t.match(read({ ...GET, 'url.full': 'https://shop.example.com:8443/a?b', 'server.address': 'pod-7' }), {
    host: 'shop.example.com:8443',
  })
  t.match(read({ ...GET, 'http.host': 'shop.example.com', 'net.host.name': 'pod-7' }), {
    host: 'shop.example.com',
  })
  t.match(read({ ...GET, 'server.address': 'shop.example.com' }), { host: 'shop.example.com' })
  t.match(read(GET), { host: undefined })
})

t.test('the path comes from whatever there is', async (t) => {
  const path = (attributes: object) => read({ 'http.method': 'GET', 'http.status_code': 200, ...attributes })
  t.match(path({ 'url.full': 'https://host:8443/a/b?c#d' }), { path: '/a/b' })
  t.match(path({ 'http.url': 'https://host' }), { path: '/' })
  t.match(path({ 'http.target': '?x=1' }), { path: '/' })
  t.match(path({ 'http.route': '/a/:b', 'url.path': '/a/x' }), { path: '/a/{id}' })
  t.match(path({ 'http.route': '/a/:b' }), { path: '/a/{id}' })
  t.match(path({ 'http.route': '/static/*', 'url.path': '/static/app.js' }), { path: '/static/app.js' })
  t.match(path({ 'http.route': '/', 'url.path': '/mounted/x' }), { path: '/mounted/x' })
  t.same(path({}), { refused: 'no url.path' })
})

t.test('a request that failed without an answer is a server error', async (t) => {
  const unanswered = { 'http.request.method': 'GET', 'url.path': '/' }
  t.match(read(unanswered, { error: 'reset' }), { status: 500, error: 'reset' })
  t.match(read({ ...unanswered, 'error.type': '503' }, { error: '' }), { status: 503, error: '503' })
  t.match(read({ ...unanswered, 'error.type': 'timeout' }, { error: '' }), { status: 500, error: 'timeout' })
  t.match(read({ ...GET, 'http.response.status_code': 0 }, { error: '' }), { status: 500 })
  t.match(read(unanswered), { refused: /status_code/ })
  t.match(read({ ...GET, 'http.response.status_code': '404' }), { status: 404 })
})

t.test('what does not fit is cut or left out', async (t) => {
  const long = 'x'.repeat(5000)
  const request = read(
    {
      ...GET,
      ...{ 'http.request.method': '_OTHER', 'url.path': `/${long}`, 'client.address': 'example.com' },
      ...{ 'user.id': long, 'user_agent.original': long, 'error.type': long },
    },
    { durationMs: -1, error: long },
  )
  t.match(request, { method: 'OTHER', client: undefined, durationMs: undefined, status: 200 })
  const lengths = Object.values(request)
    .filter((value) => typeof value === 'string')
    .map(({ length }) => length)
  t.same(lengths, [5, 2048, 128, 1024, 5, 2048])
})
