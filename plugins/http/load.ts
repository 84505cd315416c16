import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { ServiceError } from './errors.js'
import type { BoundedServer } from './load/server.js'

/** How much the service has to do, and what it refused since the start. */
export interface Load {
  readonly connections: number
  /** Connections that were closed because there were too many, or because their readers were too slow. */
  readonly closedConnections: number
  /** Requests that were refused because there were too many. */
  readonly refused: number
  /** Requests whose work has begun and has no answer yet. */
  readonly inWork: number
  readonly isOverloaded: boolean
}

declare module 'fastify' {
  interface FastifyInstance {
    load: Load
  }
  interface FastifyRequest {
    isInWork: boolean
  }
}

/** Requests that wait for the database, or another slow part, at the same time. */
const MAX_IN_WORK = 1_000

const REPORT_MS = 10_000

/** `fastify.load`; bounds what is in work, and reports what is refused. */
export default fp(
  async (app) => {
    const server = app.server as BoundedServer
    let inWork = 0
    let refused = 0
    app.decorate('load', {
      get inWork() {
        return inWork
      },
      get refused() {
        return refused + server.load.refused
      },
      get connections() {
        return server.load.connections
      },
      get closedConnections() {
        return server.load.closedConnections
      },
      get isOverloaded() {
        return server.load.isOverloaded
      },
    })
    app.decorateRequest('isInWork', false)
    // The body has arrived by now, so that slow senders keep nobody out.
    app.addHook('preHandler', (request, _reply, done) => {
      if (inWork >= MAX_IN_WORK && !request.routeOptions.config.isProbe) {
        refused++
        const message = `${MAX_IN_WORK} requests are under way. Try again shortly.`
        return done(new ServiceError('BUSY', message))
      }
      inWork++
      request.isInWork = true
      done()
    })
    app.addHook('onSend', (request, _reply, payload, done) => {
      if (request.isInWork) inWork--
      request.isInWork = false
      done(null, payload)
    })
    reportRefusals(app)
  },
  { name: 'load', dependencies: ['errors'] },
)

/** One line for all that was refused in some seconds: a line for each would be more load. */
function reportRefusals(app: FastifyInstance): void {
  let [refused, closed] = [0, 0]
  const timer = setInterval(() => {
    const { load } = app
    if (load.refused > refused)
      app.log.warn(
        { requests: load.refused - refused, seconds: REPORT_MS / 1000 },
        'requests were refused: there were too many',
      )
    if (load.closedConnections > closed)
      app.log.warn(
        { connections: load.closedConnections - closed, seconds: REPORT_MS / 1000, open: load.connections },
        'connections were closed: there were too many, or they were too slow',
      )
    refused = load.refused
    closed = load.closedConnections
  }, REPORT_MS).unref()
  app.addHook('onClose', async () => clearInterval(timer))
}
