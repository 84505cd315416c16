import { once } from 'node:events'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { testService } from '../service.js'

const { app } = await testService(t)
await app.listen({ port: 0 })
const { port } = app.server.address() as AddressInfo
const ask = (path: string, options: RequestInit = {}) =>
  fetch(`http://127.0.0.1:${port}${path}`, {
    ...options,
    headers: { 'x-request-id': 'mine', ...options.headers },
    signal: AbortSignal.timeout(60_000),
  })

t.test('every answer returns the id of its request, and a failure tells it', async (t) => {
  const json = { 'content-type': 'application/json' }
  for (const [path, options, status] of [
    ['/health/live', {}, 200],
    ['/detect', { method: 'POST', body: '{}', headers: json }, 400],
    ['/detect', { method: 'POST', body: '{', headers: json }, 400],
    ['/nowhere', {}, 404],
    ['/detect', { method: 'DELETE' }, 405],
    ['/%zz', {}, 400],
    ['/model/sensitivity', {}, 409],
    ['/docs/json', {}, 200],
  ] as const) {
    const response = await ask(path, options)
    t.equal(response.status, status, path)
    t.equal(response.headers.get('x-request-id'), 'mine', path)
    const body = (await response.json()) as { request_id?: string }
    if (status >= 400) t.equal(body.request_id, 'mine', path)
  }
})

t.test('so do the answers of OTLP, event streams, and what follows from a trace', async (t) => {
  const otlp = await ask('/v1/traces', {
    method: 'POST',
    body: 'x',
    headers: { 'content-type': 'application/json' },
  })
  t.equal(otlp.status, 400)
  t.equal(otlp.headers.get('x-request-id'), 'mine')
  t.notMatch(await otlp.json(), { request_id: String })

  const stream = await ask('/incidents/stream')
  t.equal(stream.headers.get('x-request-id'), 'mine')
  await stream.body?.cancel()

  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const traced = await fetch(`http://127.0.0.1:${port}/health/live`, { headers: { traceparent } })
  t.equal(traced.headers.get('x-request-id'), '4bf92f3577b34da6a3ce929d0e0e4736')
  await traced.body?.cancel()
})

t.test('a request that is no HTTP gets an id of its own', async (t) => {
  const socket = connect(port, '127.0.0.1')
  socket.end('GARBAGE\r\n\r\n')
  let text = ''
  socket.setEncoding('utf8').on('data', (more: string) => (text += more))
  await once(socket, 'close')
  const [, header] = /\r\nx-request-id: ([0-9a-f-]{36})\r\n/.exec(text) ?? []
  t.equal((JSON.parse(text.split('\r\n\r\n')[1]!) as { request_id: string }).request_id, header)
})
