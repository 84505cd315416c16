import type { TimedInterval } from '../anomaly/measure.js'

/** The figures of a report that the window of its source keeps. */
export interface Report {
  /** Beginning of the interval, ms since 1970. */
  readonly timestampMs: number
  readonly requestsPerSecond: number
  readonly avgLatencyMs: number
  readonly errorRate: number
  /** Latencies and error rate rest on too few requests to be judged. */
  readonly trafficOnly?: boolean | undefined
}

/** A report of the window. */
export interface KeptReport extends Report {
  readonly anomaly: boolean
}

export function reportOf({ interval, timeMs }: TimedInterval): Report {
  return {
    timestampMs: timeMs,
    requestsPerSecond: interval.requests_per_second,
    avgLatencyMs: interval.avg_latency_ms,
    errorRate: interval.error_rate,
    trafficOnly: interval.trafficOnly || undefined, // not stored when false
  }
}
