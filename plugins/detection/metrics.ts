import type { Interval } from '../../models/anomaly/features.js'
import type { SourceReport } from '../../models/stream/replay.js'
import { rowSeconds } from '../../models/anomaly/row-interval.js'
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

/**
 * A reported interval as detection judges it.
 * @param nowMs its time when it has none, ms since 1970
 * @param seconds its length when it has none: that of the model's rows
 */
export function sourceReportOf(metrics: Metrics, nowMs: number, seconds: number): SourceReport {
  const { source = GATEWAY } = metrics
  return { source, timed: { interval: intervalOf(metrics, seconds), timeMs: timeOf(metrics) ?? nowMs } }
}

/**
 * The intervals of a batch. Those that do not say how long they are are as long as the model's rows, but no longer than
 * the usual distance between the reports of their source.
 */
export function sourceReportsOf(
  metrics: readonly Metrics[],
  nowMs: number,
  modelSeconds: number,
): SourceReport[] {
  const times = new Map<string, number[]>()
  for (const each of metrics) {
    const timeMs = timeOf(each)
    if (each.interval_seconds !== undefined || timeMs === undefined) continue
    const { source = GATEWAY } = each
    const ofSource = times.get(source)
    if (ofSource) ofSource.push(timeMs)
    else times.set(source, [timeMs])
  }
  const lengths = new Map(
    [...times].map(([source, ofSource]): [string, number] => {
      const isTold = new Set(ofSource).size >= MIN_TIMES
      const spacing = isTold ? rowSeconds(ofSource.sort((a, b) => a - b)) : modelSeconds
      return [source, Math.min(modelSeconds, spacing)]
    }),
  )
  return metrics.map((each) =>
    sourceReportOf(each, nowMs, lengths.get(each.source ?? GATEWAY) ?? modelSeconds),
  )
}

/** Different times that tell how far apart the reports of a source are. */
const MIN_TIMES = 3

function timeOf({ timestamp }: Metrics): number | undefined {
  return timestamp === undefined ? undefined : parseTime(timestamp) // the schema has checked its form
}

function intervalOf(metrics: Metrics, modelSeconds: number): Interval {
  const seconds = metrics.interval_seconds ?? modelSeconds
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
