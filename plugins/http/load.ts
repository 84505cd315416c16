import type { FastifyInstance, preHandlerAsyncHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { ServiceError } from './errors.js'
import { createSlots, type SlotLimits } from './load/slots.js'
import type { BoundedServer, ServerLoad } from './load/server.js'

/** How much the service has to do, and what it refused since the start. */
export interface Load extends ServerLoad {
  /** Requests whose work has begun and has no answer yet. */
  readonly inWork: number
}

declare module 'fastify' {
  interface FastifyInstance {
    load: Load
  }
  interface FastifyRequest {
    isInWork: boolean
    /** Frees its place, on a route with slots whose answer is made at once. */
    endWork: (() => void) | null
  }
  interface FastifyContextConfig {
    /** What the route is one of, of which only so many are done at the same time. */
    slots?: keyof typeof SLOTS
  }
}

/** Requests that wait for the database, or another slow part, at the same time. */
const MAX_IN_WORK = 1_000

const REPORT_MS = 10_000

/** Routes whose work is long. What waits is begun in order; the event loop serves other requests in between. */
const SLOTS = {
  scrapes: { what: 'scrapes', atOnce: 4, waiting: 16 },
  compute: { what: 'long requests', atOnce: 2, waiting: 100 },
  limits: { what: 'requests for many limits', atOnce: 2, waiting: 50 },
  reads: { what: 'reads of incidents', atOnce: 4, waiting: 200 },
  files: { what: 'exports', atOnce: 8, waiting: 32, perCaller: 4, isStreamed: true },
  events: { what: 'event streams', atOnce: 100, waiting: 0, perCaller: 50, isStreamed: true },
} as const

/** `fastify.load`; bounds what is in work, and reports what is refused. */
export default fp(
  async (app) => {
    const server = app.server as BoundedServer
    let inWork = 0
    app.decorate('load', {
      get inWork() {
        return inWork
      },
      get refused() {
        return server.load.refused
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
    app.decorateRequest('endWork', null)
    // The body has arrived by now, so that slow senders keep nobody out.
    app.addHook('preHandler', (request, _reply, done) => {
      const { isProbe, slots } = request.routeOptions.config
      if (inWork >= MAX_IN_WORK && !isProbe && slots !== 'scrapes') {
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
      request.endWork?.()
      done(null, payload)
    })
    boundLongWork(app)
    reportRefusals(app)
  },
  { name: 'load', dependencies: ['errors', 'request-counts'] },
)

/** A place is held until the answer is made; of a file or a stream, until it ends. */
function boundLongWork(app: FastifyInstance): void {
  const enterOf = new Map(Object.entries(SLOTS).map(([kind, limits]) => [kind, entrance(limits)]))
  app.addHook('onRoute', (route) => {
    const enter = enterOf.get(route.config?.slots ?? '')
    const hooks = [route.preHandler ?? []].flat()
    if (enter && !hooks.includes(enter)) route.preHandler = [...hooks, enter] // HEAD may have it from its GET
  })
}

function entrance({ isStreamed = false, ...limits }: SlotLimits & { isStreamed?: boolean }) {
  const slots = createSlots(limits)
  const enter: preHandlerAsyncHookHandler = async (request, { raw }) => {
    const { socket } = request.raw
    const isGone = () => socket.destroyed || raw.writableFinished || raw.destroyed
    const holder = { caller: request.caller.name, isGone }
    await slots.enter(holder)
    const leave = () => slots.leave(holder)
    if (isGone()) leave()
    raw.once('close', leave).once('finish', leave)
    if (!isStreamed) request.endWork = leave
  }
  return enter
}

/** One line for all that was refused in some seconds: a line for each would be more load. */
function reportRefusals(app: FastifyInstance): void {
  let [refused, closed] = [0, 0]
  const refusals = () => app.load.refused + (app.requestCounts.failures.get('BUSY') ?? 0)
  const timer = setInterval(() => {
    const { connections: open, closedConnections } = app.load
    const [requests, connections] = [refusals() - refused, closedConnections - closed]
    refused += requests
    closed += connections
    const seconds = REPORT_MS / 1000
    if (requests > 0) app.log.warn({ requests, seconds }, 'requests were refused: there were too many')
    if (connections > 0)
      app.log.warn(
        { connections, seconds, open },
        'connections were closed: there were too many, or they were too slow',
      )
  }, REPORT_MS).unref()
  app.addHook('onClose', async () => clearInterval(timer))
}
