/** The smallest deviations that matter. Smaller ones are never anomalies, however certain they are. */
export interface LeastEffects {
  /** Traffic and latencies: shares of the expected value, above 0. */
  readonly traffic: number
  readonly latency: number
  /** Latencies: ms. Both bounds have to be reached. */
  readonly latencyMs: number
  /** Error rate: a difference of shares. */
  readonly errors: number
  /** With fewer requests in an interval, only its traffic is judged alone. */
  readonly requests: number
}

export const DEFAULT_EFFECTS: LeastEffects = {
  traffic: 0.25,
  latency: 0.25,
  latencyMs: 5,
  errors: 0.015,
  requests: 10,
}
