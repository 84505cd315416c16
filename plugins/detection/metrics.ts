import type { Interval } from '../../models/anomaly/features.js'
import type { SourceReport } from '../../models/stream/replay.js'
import { GATEWAY } from '../../models/stream/stream-state.js'
import { ServiceError } from '../http/errors.js'
import { parseTime } from '../http/validation.js'

/** One interval as a gateway reports it; names and units of the HTTP interface. */
export interface Metrics {
  readonly requests_per_second: number
  readonly avg_latency_ms: number
  readonly p95_latency_ms: number
  readonly p99_latency_ms: number
  readonly error_rate: number
  readonly timestamp?: string
  readonly total_requests?: number
  readonly interval_seconds?: number
  readonly traffic_only?: boolean
  readonly source?: string
}

const DEFAULT_INTERVAL_SECONDS = 60

/**
 * A reported interval as detection judges it.
 * @param nowMs its time when it has none, ms since 1970
 */
export function sourceReportOf(metrics: Metrics, nowMs: number): SourceReport {
  const { timestamp, source = GATEWAY } = metrics // the schema has checked the form of the timestamp
  const timeMs = (timestamp === undefined ? undefined : parseTime(timestamp)) ?? nowMs
  return { source, timed: { interval: intervalOf(metrics), timeMs } }
}

function intervalOf(metrics: Metrics): Interval {
  const seconds = metrics.interval_seconds ?? DEFAULT_INTERVAL_SECONDS
  return {
    requests_per_second: metrics.requests_per_second,
    avg_latency_ms: metrics.avg_latency_ms,
    p95_latency_ms: metrics.p95_latency_ms,
    p99_latency_ms: metrics.p99_latency_ms,
    error_rate: metrics.error_rate,
    seconds,
    requests: metrics.total_requests ?? metrics.requests_per_second * seconds,
    trafficOnly: metrics.traffic_only ?? false,
  }
}

/**
 * Without their times, reports have no order to replay them in.
 * @throws ServiceError naming the first report without a time
 */
export function assertTimes(metrics: readonly Metrics[]): void {
  const missing = metrics.findIndex(({ timestamp }) => timestamp === undefined)
  if (missing < 0) return
  const [field, problem] = [`metrics[${missing}].timestamp`, 'is required with mode replay']
  throw new ServiceError('INVALID_REQUEST', `${field} ${problem}.`, [{ field, problem }])
}
