import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { createMLMiddleware, mlFastify, type MLMiddlewareOptions } from '@aegis/ml-client'
import express from 'express'
import Fastify from 'fastify'
import type { Test } from 'tap'

export interface Gateway {
  readonly url: string
  /** Closes the server and reports the last interval. */
  close(): Promise<void>
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void
type Start = (t: Test, options: MLMiddlewareOptions, handler: Handler) => Promise<Gateway>

const express4 = createRequire(import.meta.url)('express-4') as typeof express

const ofExpress =
  (framework: typeof express): Start =>
  async (t, options, handler) => {
    const middleware = createMLMiddleware(options)
    const app = framework()
    app.use(middleware)
    app.use(handler)
    return listening(t, createServer(app), middleware.close)
  }

/** The same gateway on every framework. */
export const GATEWAYS: Readonly<Record<string, Start>> = {
  'Express 5': ofExpress(express),
  'Express 4': ofExpress(express4),
  async Fastify(t, options, handler) {
    const app = Fastify({ forceCloseConnections: true })
    app.register(mlFastify, options)
    app.register(async (inner) => {
      inner.all('/*', (request, reply) => {
        reply.hijack()
        handler(request.raw, reply.raw)
      })
    })
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    t.teardown(() => app.close())
    return { url, close: () => app.close() }
  },
  async 'node:http'(t, options, handler) {
    const middleware = createMLMiddleware(options)
    const server = createServer((request, response) => {
      middleware(request, response)
      handler(request, response)
    })
    return listening(t, server, middleware.close)
  },
}

async function listening(t: Test, server: Server, report: () => Promise<void>): Promise<Gateway> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await report()
  }
  t.teardown(close)
  return { url: `http://127.0.0.1:${port}`, close }
}
