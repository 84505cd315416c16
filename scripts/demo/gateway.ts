import { randomUUID } from 'node:crypto'
import type { Random } from '../../models/statistics/random.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'

/** A row of request_logs. */
export interface RequestRow {
  readonly timestamp: Date
  readonly method: string
  readonly path: string
  readonly status_code: number
  readonly response_time_ms: number
  readonly user_id: string
  readonly ip_address: string
  readonly backend_name: string
  readonly request_id: string
}

/** What goes wrong in a minute. */
export interface Trouble {
  readonly slow?: { readonly endpoint: string; readonly factor: number }
  /** So many more requests, all of one client. */
  readonly flood?: { readonly endpoint: string; readonly client: string; readonly perMinute: number }
}

export interface SimulatedEndpoint {
  /** As the service names it: `GET /api/orders/{id}`. */
  readonly name: string
  readonly method: string
  readonly path: string
  readonly backend: string
  readonly perMinute: number
  readonly usualMs: number
  readonly errorShare: number
}

export interface SimulatedGateway {
  /** The rows of a minute, in order of time. */
  minute(startMs: number, trouble?: Trouble): RequestRow[]
}

const BACKENDS = [
  ...[
    'products',
    'orders',
    'users',
    'carts',
    'search',
    'reviews',
    'payments',
    'invoices',
    'shipments',
    'coupons',
  ],
]
const KINDS = [
  { method: 'GET', suffix: '/{id}', extraMs: 0 },
  { method: 'GET', suffix: '', extraMs: 20 },
  { method: 'POST', suffix: '', extraMs: 50 },
]

/** Thirty endpoints: ten backends with three each. They differ in traffic, latency and errors. */
export const ENDPOINTS: readonly SimulatedEndpoint[] = BACKENDS.flatMap((backend, b) =>
  KINDS.map(({ method, suffix, extraMs }, k): SimulatedEndpoint => {
    const path = `/api/${backend}${suffix}`
    const rank = b + 1 + k * 4
    return {
      ...{ name: `${method} ${path}`, method, path, backend },
      perMinute: 70 * rank ** -0.6,
      usualMs: 25 + extraMs + ((b * 37) % 90),
      errorShare: 0.002 + 0.003 * ((b + k) % 4),
    }
  }),
)

const CLIENTS = 400
const IDS = 500
const SPREAD = 0.35
const WAVES = [
  { share: 0.08, minutes: 47 },
  { share: 0.04, minutes: 13 },
]

/** A gateway whose requests are drawn at random: nothing of them exists but the rows of its log. */
export function createGateway(random: Random): SimulatedGateway {
  const requestOf = (
    endpoint: SimulatedEndpoint,
    timeMs: number,
    client: string,
    slowness: number,
  ): RequestRow => {
    const { method, path, backend, usualMs, errorShare } = endpoint
    return {
      timestamp: new Date(timeMs),
      ...{ method, path: path.replace('{id}', String(1 + random.integer(IDS))) },
      status_code: random.uniform() < errorShare ? 503 : method === 'POST' ? 201 : 200,
      response_time_ms: Math.max(1, Math.round(usualMs * Math.exp(SPREAD * random.normal()) * slowness)),
      ...{ user_id: client, ip_address: addressOf(client), backend_name: backend, request_id: randomUUID() },
    }
  }
  const draw = (
    endpoint: SimulatedEndpoint,
    perMinute: number,
    startMs: number,
    client: () => string,
    slowness: number,
  ) => {
    const rows: RequestRow[] = []
    // Exponential gaps: the arrivals of independent clients.
    for (let minutes = gap(random, perMinute); minutes < 1; minutes += gap(random, perMinute))
      rows.push(requestOf(endpoint, startMs + Math.floor(minutes * MINUTE_MS), client(), slowness))
    return rows
  }
  const anyClient = () => `user-${1 + Math.floor(CLIENTS * random.uniform() ** 2)}`
  return {
    minute(startMs, { slow, flood } = {}) {
      const level = levelAt(startMs)
      const rows = ENDPOINTS.flatMap((endpoint) => {
        const slowness = endpoint.name === slow?.endpoint ? slow.factor : 1
        const usual = draw(endpoint, endpoint.perMinute * level, startMs, anyClient, slowness)
        if (endpoint.name !== flood?.endpoint) return usual
        return [...usual, ...draw(endpoint, flood.perMinute, startMs, () => flood.client, slowness)]
      })
      return rows.sort((a, b) => a.timestamp.getTime() - b.timestamp.getTime())
    },
  }
}

const gap = (random: Random, perMinute: number) => -Math.log(1 - random.uniform()) / perMinute

/** Traffic rises and falls slowly, by at most an eighth. */
function levelAt(timeMs: number): number {
  const turns = (minutes: number) => Math.sin((2 * Math.PI * timeMs) / (minutes * MINUTE_MS))
  return WAVES.reduce((level, { share, minutes }) => level + share * turns(minutes), 1)
}

/** Each client has an address of a documentation network. */
function addressOf(client: string): string {
  let hash = 0
  for (const char of client) hash = (Math.imul(hash, 31) + char.charCodeAt(0)) >>> 0
  return `198.51.100.${1 + (hash % 254)}`
}
