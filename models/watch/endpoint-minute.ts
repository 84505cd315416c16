import type { Interval } from '../anomaly/features.js'

/** A minute of an endpoint, or of the whole gateway. */
export interface TrafficMinute {
  readonly requests: number
  /** Requests answered with 400 or above. */
  readonly failed: number
  /** Latencies in ms; NaN where not known. */
  readonly avgMs: number
  readonly p95Ms: number
  readonly p99Ms: number
}

export interface EndpointMinute extends TrafficMinute {
  /** Method and path template. */
  readonly endpoint: string
}

export const NO_REQUESTS: TrafficMinute = { requests: 0, failed: 0, avgMs: NaN, p95Ms: NaN, p99Ms: NaN }

/** The minute as the stream's code judges it. */
export function intervalOf({ requests, failed, avgMs, p95Ms, p99Ms }: TrafficMinute): Interval {
  return {
    seconds: 60,
    requests,
    requests_per_second: requests / 60,
    avg_latency_ms: avgMs,
    p95_latency_ms: p95Ms,
    p99_latency_ms: p99Ms,
    error_rate: requests > 0 ? failed / requests : 0,
  }
}
