import type { IncomingHttpHeaders } from 'node:http'
import { hostname } from 'node:os'
import type { Client } from '../client.js'
import { getMLClient, type Metrics, type MLServiceClient, type Verdict } from '../ml-service-client.js'
import type { Log } from './service-link.js'

/** What requests of Express, Fastify and node:http have in common. */
export interface GatewayRequest {
  readonly headers: IncomingHttpHeaders
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly originalUrl?: string | undefined
  readonly ip?: string | undefined
}

export interface RecordOptions {
  /** Whose request it was; asked when the request is over. */
  userId?(request: GatewayRequest): string | undefined
  /** The caller's address is recorded; true. */
  readonly ipAddress?: boolean | undefined
  /** The caller's user agent is recorded; true. */
  readonly userAgent?: boolean | undefined
}

export interface MLMiddlewareOptions {
  /** False: nothing is done. Whether the client is enabled, or ML_SERVICE_ENABLED, or true, when left out. */
  readonly enabled?: boolean | undefined
  /** Length of the intervals, which end at multiples of it on the wall clock; 60,000. */
  readonly aggregationIntervalMs?: number | undefined
  /** Of an interval with fewer requests only the rate is judged; 10. */
  readonly minRequestsForAnalysis?: number | undefined
  /** onAnomaly is called from this normalized_score on; 0.7. */
  readonly alertThreshold?: number | undefined
  /** May throw and reject: a warning is all that comes of it. */
  onAnomaly?(verdict: Verdict, metrics: Metrics): unknown
  /** Which gateway process reports; host name and process id when left out. */
  readonly source?: string | undefined
  /** The client that the process shares when left out. */
  readonly client?: Client | MLServiceClient | undefined
  /** Each request is recorded by the service too, for training. */
  readonly record?: boolean | RecordOptions | undefined
  /** console.warn when left out. */
  warn?(message: string): void
  /** console.info when left out. */
  info?(message: string): void
}

export interface Settings {
  readonly intervalMs: number
  readonly minRequests: number
  readonly alertThreshold: number
  readonly onAnomaly: (verdict: Verdict, metrics: Metrics) => unknown
  readonly source: string
  readonly api: () => Client
  readonly record: RecordOptions | null
  readonly log: Log
}

const LONGEST_INTERVAL_MS = 86_400_000
const LONGEST_HOST = 100

/** @throws RangeError naming the option that is wrong */
export function settingsOf(options: MLMiddlewareOptions): Settings {
  const { aggregationIntervalMs = 60_000, minRequestsForAnalysis = 10, alertThreshold = 0.7 } = options
  const { source = `${hostname().slice(0, LONGEST_HOST)}-${process.pid}`, record = false } = options
  inRange('aggregationIntervalMs', aggregationIntervalMs, 100, LONGEST_INTERVAL_MS)
  inRange('minRequestsForAnalysis', minRequestsForAnalysis, 0, 1e9)
  inRange('alertThreshold', alertThreshold, 0, 1)
  inRange('length of source', source.length, 1, 128)
  return {
    intervalMs: aggregationIntervalMs,
    minRequests: minRequestsForAnalysis,
    alertThreshold,
    onAnomaly: (verdict, metrics) => options.onAnomaly?.(verdict, metrics),
    source,
    api: apiOf(options.client),
    record: record === true ? {} : record || null,
    log: {
      warn: told((message) => (options.warn ? options.warn(message) : console.warn(message))),
      info: told((message) => (options.info ? options.info(message) : console.info(message))),
    },
  }
}

export function isEnabled({ enabled, client }: MLMiddlewareOptions): boolean {
  if (enabled !== undefined) return enabled
  if (client && 'enabled' in client) return client.enabled
  return process.env['ML_SERVICE_ENABLED'] !== 'false'
}

/** The shared client is looked up at each call: a gateway may set it up after its middleware. */
export function apiOf(client: Client | MLServiceClient | undefined): () => Client {
  return () => {
    const found = client ?? getMLClient()
    return 'api' in found ? found.api : found
  }
}

/** A logger that throws is the last thing a gateway should fail of. */
function told(tell: (message: string) => void): (message: string) => void {
  return (message) => {
    try {
      tell(message)
    } catch {
      // there is nobody left to tell
    }
  }
}

function inRange(name: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return
  throw new RangeError(`${name} is ${value}; allowed is ${least} to ${most}.`)
}
