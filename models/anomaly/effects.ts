/** Deviations smaller than these never matter, however certain they are. */
export interface LeastEffects {
  /** Of traffic and latencies a share of the expected value, above 0. */
  readonly traffic: number
  readonly latency: number
  /** And of latencies so many ms too. */
  readonly latencyMs: number
  /** Of the error rate a difference of shares. */
  readonly errors: number
  /** With fewer requests in an interval its latencies and its error rate prove nothing. */
  readonly requests: number
}

export const DEFAULT_EFFECTS: LeastEffects = {
  traffic: 0.25,
  latency: 0.25,
  latencyMs: 5,
  errors: 0.015,
  requests: 10,
}
