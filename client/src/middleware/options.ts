import type { IncomingHttpHeaders } from 'node:http'
import { hostname } from 'node:os'
import type { Client } from '../client.js'
import { MINUTE_MS } from '../durations.js'
import { getMLClient, MLServiceClient, type Metrics, type Verdict } from '../ml-service-client.js'
import { excludedPaths } from './excluded-paths.js'
import type { Log } from './service-link.js'

/** The common part of requests of Express, Fastify and node:http. */
export interface GatewayRequest {
  readonly headers: IncomingHttpHeaders
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly originalUrl?: string | undefined
  readonly ip?: string | undefined
}

export interface RecordOptions {
  /** Returns the id of the user. Called when the request is over. */
  userId?(request: GatewayRequest): string | undefined
  /** Records the IP address of the caller. Default: true. */
  readonly ipAddress?: boolean | undefined
  /** Records the user agent of the caller. Default: true. */
  readonly userAgent?: boolean | undefined
}

export interface MLMiddlewareOptions {
  /** If false, the middleware does nothing. Default: whether the client is enabled, or ML_SERVICE_ENABLED, or true. */
  readonly enabled?: boolean | undefined
  /** Length of an interval in milliseconds. Intervals end at multiples of it on the wall clock. Default: 60,000. */
  readonly aggregationIntervalMs?: number | undefined
  /** With fewer requests in an interval, only the request rate is judged. Default: 10. */
  readonly minRequestsForAnalysis?: number | undefined
  /** onAnomaly is called if normalized_score is at least this value, 0 to 1. Default: 0.7. */
  readonly alertThreshold?: number | undefined
  /**
   * Called for each anomaly. `incident_id` of the verdict is the incident of this source, where one is known: from the second
   * report of an alarm on. If it throws or rejects, the middleware only logs a warning.
   */
  onAnomaly?(verdict: Verdict, metrics: Metrics): unknown
  /** Called once when an alarm is over that onAnomaly was called for. Failures are treated as those of onAnomaly. */
  onResolved?(alarm: ResolvedAlarm, verdict: Verdict, metrics: Metrics): unknown
  /**
   * Paths that are neither counted, timed nor recorded, such as probes. `*` at the end stands for any rest: `/metrics*`.
   * At most 100. Default: none.
   */
  readonly exclude?: readonly string[] | undefined
  /** Name of the reporting process. Default: host name and process id. */
  readonly source?: string | undefined
  /** Default: the shared client of the process. */
  readonly client?: Client | MLServiceClient | undefined
  /** Key of the service, in place of `client`: the middleware then has a client of its own at ML_SERVICE_URL. */
  readonly apiKey?: string | undefined
  /** If set, the service also records each request, for training. Default: false. */
  readonly record?: boolean | RecordOptions | undefined
  /** Default: console.warn. */
  warn?(message: string): void
  /** Default: console.info. */
  info?(message: string): void
}

/** An alarm that is over. */
export interface ResolvedAlarm {
  /** The incident of this source; null where none is known. */
  readonly incidentId: string | null
  /** Start of the first interval that onAnomaly was called for, ISO-8601. */
  readonly since: string
}

export interface Settings {
  readonly intervalMs: number
  readonly minRequests: number
  readonly alertThreshold: number
  readonly onAnomaly: (verdict: Verdict, metrics: Metrics) => unknown
  readonly onResolved: (alarm: ResolvedAlarm, verdict: Verdict, metrics: Metrics) => unknown
  readonly isExcluded: (request: GatewayRequest) => boolean
  readonly source: string
  readonly api: () => Client
  readonly record: RecordOptions | null
  readonly log: Log
}

const MAX_INTERVAL_MS = 1440 * MINUTE_MS
const MAX_HOST_LENGTH = 100

/** @throws RangeError naming the invalid option, or TypeError for a key that is none */
export function settingsOf(options: MLMiddlewareOptions): Settings {
  const { aggregationIntervalMs = MINUTE_MS, minRequestsForAnalysis = 10, alertThreshold = 0.7 } = options
  const { source = `${hostname().slice(0, MAX_HOST_LENGTH)}-${process.pid}`, record = false } = options
  inRange('aggregationIntervalMs', aggregationIntervalMs, 100, MAX_INTERVAL_MS)
  inRange('minRequestsForAnalysis', minRequestsForAnalysis, 0, 1e9)
  inRange('alertThreshold', alertThreshold, 0, 1)
  inRange('length of source', source.length, 1, 128)
  return {
    intervalMs: aggregationIntervalMs,
    minRequests: minRequestsForAnalysis,
    alertThreshold,
    onAnomaly: (verdict, metrics) => options.onAnomaly?.(verdict, metrics),
    onResolved: (alarm, verdict, metrics) => options.onResolved?.(alarm, verdict, metrics),
    isExcluded: excludedPaths(options.exclude),
    source,
    api: apiOf(options),
    record: record === true ? {} : record || null,
    log: {
      warn: guarded((message) => (options.warn ? options.warn(message) : console.warn(message))),
      info: guarded((message) => (options.info ? options.info(message) : console.info(message))),
    },
  }
}

export function isEnabled({ enabled, client }: MLMiddlewareOptions): boolean {
  if (enabled !== undefined) return enabled
  if (client && 'enabled' in client) return client.enabled
  return process.env['ML_SERVICE_ENABLED'] !== 'false'
}

/**
 * Looks up the shared client at each call, because a gateway may create it after its middleware.
 * @throws TypeError when there is a client and a key, because a client has its own
 */
export function apiOf({ client, apiKey }: Pick<MLMiddlewareOptions, 'client' | 'apiKey'>): () => Client {
  if (client && apiKey !== undefined) {
    throw new TypeError('client and apiKey exclude each other; give the key to the client.')
  }
  const own = apiKey === undefined ? client : new MLServiceClient({ apiKey })
  return () => {
    const found = own ?? getMLClient()
    return 'api' in found ? found.api : found
  }
}

/** A logger whose exceptions do not reach the gateway. */
function guarded(write: (message: string) => void): (message: string) => void {
  return (message) => {
    try {
      write(message)
    } catch {
      // there is no other place to report it
    }
  }
}

function inRange(name: string, value: number, min: number, max: number): void {
  if (value >= min && value <= max) return
  throw new RangeError(`${name} is ${value}; allowed is ${min} to ${max}.`)
}
