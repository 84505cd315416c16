/** The minutes of an endpoint that have requests, as the rollups hold them; in order of time. */
export interface EndpointHistory {
  /** Method and path template. */
  readonly endpoint: string
  /** The first request that is known, ms since 1970. Minutes since then that are left out had no requests. */
  readonly firstSeenMs: number
  /** When each minute began, ms since 1970, ascending. */
  readonly timesMs: Float64Array
  readonly requests: Float64Array
  /** Requests answered with 400 or above. */
  readonly failed: Float64Array
  /** Latencies in ms; NaN where not known. */
  readonly avgMs: Float64Array
  readonly p95Ms: Float64Array
  readonly p99Ms: Float64Array
  /** Times of incidents, which are not learned, ms since 1970; ends are not included. */
  readonly leftOut?: readonly LeftOut[]
}

interface LeftOut {
  readonly fromMs: number
  readonly toMs: number
}

/** Whether a minute of a history is not learned. */
export function isLeftOut({ leftOut = [] }: Pick<EndpointHistory, 'leftOut'>, timeMs: number): boolean {
  return leftOut.some(({ fromMs, toMs }) => timeMs >= fromMs && timeMs < toMs)
}
