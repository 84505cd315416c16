import type { MetricsData, PastMetricsData } from '../schemas/detection.js'

type Complete = MetricsData & { error_rate: number }

/** The interval with its share of errors: given, or computed from the counts, or 0 with a warning. */
export function withErrorRate(metrics: MetricsData, warnings: string[]): Complete {
  const { error_rate: given, status_2xx = 0, status_4xx = 0, status_5xx = 0 } = metrics
  if (given !== undefined) return { ...metrics, error_rate: given }
  const total = Math.max(metrics.total_requests ?? 0, status_2xx + status_4xx + status_5xx)
  const isCounted = metrics.status_4xx !== undefined || metrics.status_5xx !== undefined
  if (isCounted && total > 0) return { ...metrics, error_rate: (status_4xx + status_5xx) / total }
  if (!warnings.includes(NO_ERROR_RATE)) warnings.push(NO_ERROR_RATE)
  return { ...metrics, error_rate: 0 }
}

const NO_ERROR_RATE = 'error_rate is missing; it counts as 0.'

/** The same for the intervals of a batch, some of which may have no latencies. */
export function completeBatch(batch: readonly PastMetricsData[], warnings: string[]): Complete[] {
  const first = batch.findIndex((metrics) => !hasLatencies(metrics))
  if (first >= 0) {
    const count = batch.filter((metrics) => !hasLatencies(metrics)).length
    warnings.push(
      `${count} of ${batch.length} intervals lack a latency, metrics[${first}] first; only their requests_per_second is judged.`,
    )
  }
  return batch.map((metrics) => {
    if (hasLatencies(metrics)) return withErrorRate(metrics, warnings)
    const { error_rate = 0 } = metrics
    return { ...metrics, ...NO_LATENCIES, error_rate, traffic_only: true }
  })
}

const NO_LATENCIES = { avg_latency_ms: 0, p95_latency_ms: 0, p99_latency_ms: 0 }

function hasLatencies(metrics: PastMetricsData): metrics is MetricsData {
  const { avg_latency_ms: avg, p95_latency_ms: p95, p99_latency_ms: p99 } = metrics
  return avg !== undefined && p95 !== undefined && p99 !== undefined
}
