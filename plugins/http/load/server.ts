import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { TlsContent } from '../../config/tls.js'
import { failureOf } from '../errors.js'
import { REQUEST_ID, requestId } from '../request-id.js'
import { SECURITY_HEADERS } from '../security-headers.js'
import { createAdmission } from './admission.js'
import { createConnections, SWEEP_MS, type ConnectionLimits } from './connections.js'

/** How the server is used, for metrics and the log. */
export interface ServerLoad {
  readonly connections: number
  /** Connections that were closed because there were too many, or because their readers were too slow. */
  readonly closedConnections: number
  /** Requests that were refused in an overload, before their route was looked at. */
  readonly refused: number
  readonly isOverloaded: boolean
}

/** A server that is careful with load. */
export type BoundedServer = Server & { readonly load: ServerLoad }

export interface ServerLimits extends ConnectionLimits {
  /** How long the headers of a request, and all of it, may take. A slow sender is closed at most `checkMs` later. */
  readonly headersMs: number
  readonly requestMs: number
  readonly checkMs: number
  readonly keepAliveMs: number
}

const idleMs = () => performance.eventLoopUtilization().idle

/** Answered even in an overload. */
const ALWAYS_ANSWERED = /^\/health\/(?:live|ready)(?:\?|$)/

/** Monitoring must see an overload: one scrape in so long is answered. */
const SCRAPE = /^\/metrics(?:\?|$)/
const SCRAPE_INTERVAL_MS = 200

const RETRY_AFTER_SECONDS = '5'

const BUSY = 'The service has more requests than it can serve. Try again shortly, or send fewer.'

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/**
 * A server of HTTP that survives more load than it can serve. It refuses requests before anything else is done for
 * them: the less a refusal costs, the more can be served beside it.
 */
export function createBoundedServer(
  handler: Handler,
  limits: ServerLimits,
  tls: TlsContent | null,
): BoundedServer {
  const admission = createAdmission()
  const connections = createConnections(limits)
  let refused = 0
  let scrapedAtMs = -Infinity
  let isTurn = false
  const endTurn = () => {
    isTurn = false
    admission.endTurn(performance.now(), idleMs)
  }
  const isExempt = (url: string): boolean => {
    if (ALWAYS_ANSWERED.test(url)) return true
    const nowMs = performance.now()
    if (!SCRAPE.test(url) || nowMs - scrapedAtMs < SCRAPE_INTERVAL_MS) return false
    scrapedAtMs = nowMs
    return true
  }

  const options = {
    ...{ headersTimeout: limits.headersMs, requestTimeout: limits.requestMs },
    ...{ connectionsCheckingInterval: limits.checkMs, keepAliveTimeout: limits.keepAliveMs },
  }
  const onRequest: Handler = (request, response) => {
    if (!isTurn) {
      isTurn = true
      setImmediate(endTurn) // when all connections that have data were served
    }
    if (admission.admits(performance.now()) || isExempt(request.url!)) {
      connections.begin(request, response)
      return handler(request, response)
    }
    refused++
    refuse(request, response)
  }
  const server = tls
    ? createTlsServer({ ...options, ...tls, handshakeTimeout: limits.headersMs }, onRequest)
    : createServer(options, onRequest)
  server.on('connection', (socket) => connections.add(socket))
  const sweeping = setInterval(() => connections.sweep(), SWEEP_MS).unref()
  server.once('close', () => clearInterval(sweeping))
  const load = {
    get connections() {
      return connections.open
    },
    get closedConnections() {
      return connections.closed
    },
    get refused() {
      return refused
    },
    get isOverloaded() {
      return admission.isOverloaded
    },
  }
  return Object.assign(server, { load })
}

const SECURITY_HEADER_LIST = Object.entries(SECURITY_HEADERS).flat()

function refuse(request: IncomingMessage, response: ServerResponse): void {
  const id = requestId(request)
  const body = request.url!.startsWith(OTLP) ? RPC_UNAVAILABLE : JSON.stringify(failureOf(FAILURE, id))
  response.writeHead(503, [
    ...['content-type', 'application/json; charset=utf-8'],
    ...['content-length', String(Buffer.byteLength(body))],
    ...['retry-after', RETRY_AFTER_SECONDS],
    ...[REQUEST_ID, id],
    ...SECURITY_HEADER_LIST,
  ])
  response.end(body)
}

const FAILURE = { code: 'BUSY', message: BUSY, details: null } as const

/** Its failures have another form. */
const OTLP = '/v1/'
const RPC_UNAVAILABLE = JSON.stringify({ code: 14, message: BUSY })
