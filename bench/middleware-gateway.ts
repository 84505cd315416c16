import { createServer, type Server } from 'node:http'
import { createServer as createNetServer, type AddressInfo } from 'node:net'
import { createClient, createMLMiddleware, mlFastify } from '@aegis/ml-client'
import express from 'express'
import Fastify from 'fastify'

/**
 * The measured gateway: `middleware-gateway.js express|fastify [middleware|empty]`. It prints its port. Then, for each
 * line that it reads, it prints its CPU time so far, in milliseconds.
 */
const [framework, middleware] = process.argv.slice(2)
const ITEM = { id: 17, name: 'An item', price: 12.5, tags: ['one', 'two'] }

/** A service that accepts everything: its own work is not measured. */
const service = createNetServer((socket) => socket.on('error', () => undefined).resume()).unref()
await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
const { port } = service.address() as AddressInfo
const options = {
  client: createClient({ baseUrl: `http://127.0.0.1:${port}` }),
  enabled: middleware === 'middleware',
  // Only the tables may be printed.
  warn: () => undefined,
}

const server = framework === 'express' ? await expressServer() : await fastifyServer()
console.log((server.address() as AddressInfo).port)
process.stdin.on('data', () => {
  const { user, system } = process.cpuUsage()
  console.log((user + system) / 1000)
})
process.stdin.on('end', () => process.exit(0))

async function expressServer(): Promise<Server> {
  const app = express()
  if (options.enabled) app.use(createMLMiddleware(options))
  if (middleware === 'empty') app.use((_request, _response, next) => next())
  app.get('/api/items/:id', (_request, response) => {
    response.json(ITEM)
  })
  const listening = createServer(app)
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  return listening
}

async function fastifyServer(): Promise<Server> {
  const app = Fastify()
  if (options.enabled) app.register(mlFastify, options)
  if (middleware === 'empty') app.addHook('onRequest', (_request, _reply, done) => done())
  app.get('/api/items/:id', async () => ITEM)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.server
}
