import { Agent, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import Fastify from 'fastify'
import t from 'tap'
import envelope from '../../../plugins/http/envelope.js'
import errors from '../../../plugins/http/errors.js'
import requestCounts from '../../../plugins/http/request-counts.js'
import streamedBodies from '../../../plugins/http/streamed-bodies.js'
import validation from '../../../plugins/http/validation.js'

const LARGE = 4 << 20

t.test('after a body that is refused early, its connection serves the next request', async (t) => {
  const app = Fastify()
  await app.register(requestCounts)
  await app.register(validation)
  await app.register(errors)
  await app.register(envelope)
  await app.register(streamedBodies)
  app.acceptStreams(['application/json'])
  app.post('/first', async ({ body }) => {
    for await (const chunk of body as AsyncIterable<Buffer>) return chunk.length > 0
    return false
  })
  await app.listen({ port: 0 })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(async () => {
    agent.destroy()
    await app.close()
  })
  const { port } = app.server.address() as AddressInfo
  const post = (body: Buffer, encoding: string) =>
    new Promise<{ status: number | undefined; port: number | undefined }>((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-encoding': encoding }
      const sent = request({ port, agent, path: '/first', method: 'POST', headers }, (answer) => {
        const { statusCode: status, socket } = answer
        const from = socket.localPort
        answer.resume().once('end', () => resolve({ status, port: from }))
      })
      sent.setTimeout(10_000, () => sent.destroy(new Error('there is no answer')))
      sent.once('error', reject).end(body)
    })

  const bodies = [
    [Buffer.alloc(LARGE, ' '), 'identity', 200],
    [Buffer.alloc(LARGE, 1), 'gzip', 400],
    [gzipSync(Buffer.alloc(LARGE, ' ')), 'gzip', 200],
    [Buffer.alloc(2, ' '), 'identity', 200],
  ] as const
  const ports = new Set<number | undefined>()
  for (const [body, encoding, expected] of bodies) {
    const answer = await post(body, encoding)
    t.equal(answer.status, expected)
    ports.add(answer.port)
  }
  t.equal(ports.size, 1, 'all came over one connection')
})
