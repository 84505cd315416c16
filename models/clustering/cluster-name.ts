interface Centre {
  readonly avgRequestsPerMinute: number
  readonly avgLatencyMs: number
}

/** Requests a minute on average. */
const HIGH_TRAFFIC = 100
const MEDIUM_TRAFFIC = 10
/** Milliseconds on average. */
const SLOW_BUSY = 200
const SLOW_QUIET = 500

/**
 * What a cluster is called, by the average of its middle endpoint: from 100 requests a minute it is high traffic, fast
 * below 200 ms and slow from there; from 10 medium; below that low, and low and slow from 500 ms on.
 */
export function clusterName({ avgRequestsPerMinute, avgLatencyMs }: Centre): string {
  if (avgRequestsPerMinute >= HIGH_TRAFFIC) {
    return avgLatencyMs < SLOW_BUSY ? 'high_traffic_fast' : 'high_traffic_slow'
  }
  if (avgRequestsPerMinute >= MEDIUM_TRAFFIC) return 'medium_traffic'
  return avgLatencyMs < SLOW_QUIET ? 'low_traffic' : 'low_traffic_slow'
}
