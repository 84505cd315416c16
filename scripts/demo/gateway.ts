import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Random } from '../../models/statistics/random.js'
import { NO_FAULT, type Fault } from './story.js'

/** An answered request, as a gateway logs it. */
export interface FinishedRequest {
  /** When the response was sent, on the clock of performance.now(). */
  readonly endedMs: number
  readonly durationMs: number
  readonly method: string
  readonly path: string
  readonly status: number
  readonly backend: string
  readonly userId: string | null
  readonly address: string
  readonly userAgent: string | null
}

export interface Gateway {
  readonly port: number
  setFault(fault: Fault): void
  close(): Promise<void>
}

interface Endpoint {
  readonly method: string
  readonly path: RegExp
  readonly backend: string
  readonly usualMs: number
  readonly status: number
}

const ENDPOINTS: readonly Endpoint[] = [
  { method: 'GET', path: /^\/api\/products$/, backend: 'catalogue', usualMs: 50, status: 200 },
  { method: 'GET', path: /^\/api\/products\/\d+$/, backend: 'catalogue', usualMs: 40, status: 200 },
  { method: 'GET', path: /^\/api\/users\/\d+$/, backend: 'accounts', usualMs: 55, status: 200 },
  { method: 'GET', path: /^\/api\/search$/, backend: 'search', usualMs: 80, status: 200 },
  { method: 'POST', path: /^\/api\/orders$/, backend: 'orders', usualMs: 70, status: 201 },
]
const USUAL_ERROR_SHARE = 0.02
const HICCUP_SHARE = 0.05
const HICCUP_MS = 40

/** Starts a gateway on a free port of the loopback interface. Its backends are timers. */
export async function startGateway({
  random,
  onFinished,
}: {
  random: Random
  onFinished: (request: FinishedRequest) => void
}): Promise<Gateway> {
  let fault = NO_FAULT
  const server = createServer((request, response) => {
    const startedMs = performance.now()
    const endpoint = endpointOf(request)
    response.on('finish', () => {
      const endedMs = performance.now()
      onFinished({ ...describe(request, response, endpoint), endedMs, durationMs: endedMs - startedMs })
    })
    request.resume()
    if (endpoint === undefined) return answer(response, 404)
    const fails = random.uniform() < USUAL_ERROR_SHARE + fault.errorShare
    const workMs = workOf(endpoint, random, startedMs, fault.slowness)
    setTimeout(() => answer(response, fails ? 503 : endpoint.status), workMs)
  })
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    setFault: (next) => {
      fault = next
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/**
 * Duration of a handler: its usual duration, varied by a slow wave and by chance, times the slowness of the fault, and
 * sometimes an extra delay. The variation is large, so that delays of a busy machine do not stand out.
 */
function workOf({ usualMs }: Endpoint, random: Random, nowMs: number, slowness: number): number {
  const wave = (periodMs: number) => Math.sin((2 * Math.PI * nowMs) / periodMs)
  const mood = 1 + 0.25 * wave(13_000) + 0.1 * wave(4100)
  const extraMs = random.uniform() < HICCUP_SHARE ? HICCUP_MS : 0
  return usualMs * (0.7 + 0.6 * random.uniform()) * mood * slowness + extraMs
}

function pathOf(request: IncomingMessage): string {
  return request.url!.split('?', 1)[0]!
}

function endpointOf(request: IncomingMessage): Endpoint | undefined {
  const path = pathOf(request)
  return ENDPOINTS.find((endpoint) => endpoint.method === request.method && endpoint.path.test(path))
}

function describe(request: IncomingMessage, response: ServerResponse, endpoint: Endpoint | undefined) {
  const userId = request.headers['x-user-id']
  return {
    method: request.method!,
    path: pathOf(request),
    status: response.statusCode,
    backend: endpoint?.backend ?? 'none',
    userId: typeof userId === 'string' ? userId : null,
    address: request.socket.remoteAddress ?? '127.0.0.1',
    userAgent: request.headers['user-agent'] ?? null,
  }
}

function answer(response: ServerResponse, status: number): void {
  const body = JSON.stringify(status < 400 ? { ok: true } : { error: status })
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
}
