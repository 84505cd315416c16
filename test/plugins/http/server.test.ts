import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { answerMalformed } from '../../../plugins/http/errors.js'
import { createConnections } from '../../../plugins/http/load/connections.js'
import { maxConnections } from '../../../plugins/http/load/open-files.js'
import { createBoundedServer, type ServerLimits } from '../../../plugins/http/load/server.js'
import { eventually } from '../../eventually.js'
import { silentLog } from '../../postgres-server.js'

const LIMITS: ServerLimits = {
  ...{ maxConnections: 100, maxPerAddress: 100, isExempt: () => false },
  ...{ headersMs: 60_000, requestMs: 60_000, checkMs: 20, keepAliveMs: 60_000 },
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

const ok: Handler = (_request, response) => void response.end('ok')

async function serve(t: Test, limits: Partial<ServerLimits> = {}, handler: Handler = ok) {
  const server = createBoundedServer(handler, { ...LIMITS, ...limits }, null)
  server.on('clientError', answerMalformed.bind({ log: silentLog } as unknown as FastifyInstance))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const sockets: Socket[] = []
  t.teardown(async () => {
    for (const each of sockets) each.destroy()
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  /** A connection that has sent some text. */
  const open = async (text = '') => {
    const socket = connect({ port, host: '127.0.0.1' })
    sockets.push(socket)
    const read = { text: '', isClosed: false }
    socket.on('data', (chunk: Buffer) => (read.text += chunk.toString()))
    socket.once('close', () => (read.isClosed = true))
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    if (text !== '') socket.write(text)
    return { socket, read }
  }
  return { server, open }
}

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

t.test('a sender that sends its headers or its body too slowly gets 408 and is closed', async (t) => {
  const { open } = await serve(t, { headersMs: 50, requestMs: 100 }, () => undefined)
  for (const text of [
    'GET / HTTP/1.1\r\nhost: a\r\nx-slow',
    'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nslow',
    'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nslow',
  ]) {
    const { read } = await open(text)
    await eventually(() => read.isClosed, { what: 'the end of a slow sender' })
    t.match(read.text, /^HTTP\/1.1 408 /, text)
    t.match(read.text, /"code":"REQUEST_TIMEOUT"/)
    t.match(read.text, /x-content-type-options: nosniff/)
  }
})

t.test('beyond a bound the connection that has waited longest makes room', async (t) => {
  const { server, open } = await serve(t, { maxPerAddress: 3 })
  const idle = await open()
  const slow = await open('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nslow')
  await eventually(() => server.load.connections === 2)
  const used = await open(GET)
  await eventually(() => used.read.text.includes('ok'))
  const another = await open(GET)
  await eventually(() => idle.read.isClosed)
  await eventually(() => another.read.text.includes('ok'))
  const third = await open(GET)
  await eventually(() => third.read.text.includes('ok'))
  t.notOk(used.read.isClosed)
  t.match(server.load, { connections: 3, closedConnections: 2 })
  await eventually(() => slow.read.isClosed)
})

t.test('a request that waits for its answer is not ended for others', async (t) => {
  const waiting: ServerResponse[] = []
  const { server, open } = await serve(t, { maxConnections: 2 }, (_request, response) =>
    waiting.push(response),
  )
  const first = await open(GET)
  const second = await open(GET)
  await eventually(() => waiting.length === 2)
  const third = await open(GET)
  await eventually(() => third.read.isClosed)
  for (const each of waiting) each.end('done')
  await eventually(() => first.read.text.includes('done') && second.read.text.includes('done'))
  t.match(server.load, { closedConnections: 1 })
})

t.test('addresses that are exempt have the bound of the whole server alone', async (t) => {
  const { server, open } = await serve(t, {
    maxPerAddress: 1,
    isExempt: (address) => address === '127.0.0.1',
  })
  for (let i = 0; i < 5; i++) await open()
  await eventually(() => server.load.connections === 5)
  t.equal(server.load.closedConnections, 0)
})

t.test(
  'what arrives at the same time beyond the bound is refused; probes and a scrape are not',
  async (t) => {
    const { server, open } = await serve(t, {}, ({ url }, response) => void response.end(url))
    const exempt = ['/health/live', '/metrics'].map((path) => GET.replace('/', path)).join('')
    const { read } = await open(GET.repeat(1_200) + exempt)
    await eventually(() => (read.text.match(/HTTP\/1.1 /g) ?? []).length === 1_202)
    const refused = read.text.match(/HTTP\/1.1 503 /g)?.length ?? 0
    t.equal(refused, server.load.refused)
    t.ok(refused > 0 && refused <= 200, `${refused} refused`)
    t.match(read.text, /retry-after: 5\r\nx-request-id: \S+\r\n/i)
    t.match(read.text, /"code":"BUSY","message":"The service has more requests/)
    t.match(read.text, /cache-control: no-store\r\n/)
    t.match(read.text, /\r\n\r\n\/health\/live(?!.*HTTP\/1.1 503).*\/metrics$/s)
  },
)

t.test('a reader that takes nothing of a long answer is ended, one that takes it is not', async (t) => {
  const long = 'x'.repeat(20 << 20)
  const connections = createConnections({ maxConnections: 9, maxPerAddress: 9, isExempt: () => false })
  const server = createServer((socket) => {
    connections.add(socket)
    socket.on('error', () => undefined).write(long)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const open = async () => {
    const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' })
    await once(socket, 'connect')
    return socket
  }
  const reader = await open()
  let read = 0
  reader.on('data', (chunk: Buffer) => (read += chunk.length))
  await eventually(() => read === long.length)
  const stalled = await open()
  await eventually(() => connections.open === 2)
  for (let second = 0; second < 58; second++) connections.sweep()
  t.equal(connections.open, 2)
  for (let second = 0; second < 4; second++) connections.sweep()
  t.match(connections, { open: 1, closed: 1 })
  reader.destroy()
  stalled.destroy()
})

t.test('while too much waits for its readers, those with most are ended', async (t) => {
  const connections = createConnections({ maxConnections: 99, maxPerAddress: 99, isExempt: () => false })
  const server = createServer((socket) => {
    connections.add(socket)
    socket.on('error', () => undefined).write('x'.repeat(30 << 20))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const readers = Array.from({ length: 6 }, () =>
    connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' }).on('error', () => undefined),
  )
  await eventually(() => connections.open === 6)
  connections.sweep()
  t.ok(connections.open < 6 && connections.open >= 2, `${connections.open} are left`)
  for (const each of readers) each.destroy()
})

t.test('the number of connections leaves files to the service', async (t) => {
  t.same([256, 1024, 20_000, Infinity].map(maxConnections), [64, 768, 4_000, 4_000])
})
