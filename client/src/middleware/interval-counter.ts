import type { Metrics } from '../ml-service-client.js'
import { LatencyHistogram } from './latency-histogram.js'

/** An interval: its start by the wall clock, its length by a clock that never jumps. */
export interface Interval {
  readonly beganMs: number
  readonly lengthMs: number
}

/** Counts the requests of one interval in constant memory. */
export class IntervalCounter {
  readonly #latencies = new LatencyHistogram()
  /** Counts by the first digit of the status. */
  readonly #statuses = new Uint32Array(10)
  #requests = 0
  #errors = 0

  /** @param latencyMs null for requests without a meaningful latency, such as event streams */
  add(status: number, latencyMs: number | null): void {
    this.#requests++
    if (status >= 400) this.#errors++
    this.#statuses[(status / 100) | 0]!++
    if (latencyMs !== null) this.#latencies.add(latencyMs)
  }

  /** Returns the metrics of the interval and resets the counter. */
  take({ beganMs, lengthMs }: Interval, source: string, minRequests: number): Metrics {
    const requests = this.#requests
    const latencies = this.#latencies
    const metrics: Metrics = {
      requests_per_second: requests / (lengthMs / 1000),
      avg_latency_ms: latencies.meanMs,
      p95_latency_ms: latencies.quantile(0.95),
      p99_latency_ms: latencies.quantile(0.99),
      error_rate: this.#errors / Math.max(1, requests),
      timestamp: new Date(beganMs).toISOString(),
      status_2xx: this.#statuses[2]!,
      status_4xx: this.#statuses[4]!,
      status_5xx: this.#statuses[5]!,
      total_requests: requests,
      interval_seconds: lengthMs / 1000,
      source,
      ...(latencies.count < Math.max(1, minRequests) && { traffic_only: true }),
    }
    this.#clear()
    return metrics
  }

  #clear(): void {
    this.#latencies.clear()
    this.#statuses.fill(0)
    this.#requests = 0
    this.#errors = 0
  }
}
