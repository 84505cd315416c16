import type { Band, WatchedMinute } from '../../db/own/watched-minutes.js'
import { FEATURES } from '../../models/anomaly/features.js'
import type { TimedInterval } from '../../models/anomaly/measure.js'
import type { Series, SeriesAlarm } from '../../models/incidents/series-minute.js'
import type { StreamVerdict } from '../../models/stream/stream-verdict.js'

/** A judged minute of a series as it is stored. */
export function watchedMinuteOf(
  series: Series,
  { timeMs, interval }: TimedInterval,
  verdict: StreamVerdict,
  alarm: SeriesAlarm | null,
): WatchedMinute {
  const { requests, seconds, error_rate: errorRate } = interval
  const known = (value: number) =>
    requests > 0 && !interval.trafficOnly && Number.isFinite(value) ? value : null
  const band = (of: 'value' | 'lower' | 'upper'): Band =>
    FEATURES.map((feature) => {
      const value = verdict.expected[feature][of]
      return Number.isFinite(Math.fround(value)) ? value : null
    })
  return {
    ...{ series, timeMs, seconds, requests, failed: requests * errorRate },
    latencyMs: {
      avg: known(interval.avg_latency_ms),
      p95: known(interval.p95_latency_ms),
      p99: known(interval.p99_latency_ms),
    },
    ...{ expected: band('value'), lower: band('lower'), upper: band('upper') },
    ...{ anomaly: verdict.anomaly, type: verdict.type, severity: verdict.severity, alarm },
  }
}

/** The alarm of a verdict on a report, if it is confirmed. */
export function alarmOf(verdict: StreamVerdict, timeMs: number): SeriesAlarm | null {
  const { confirmed, type, severity, episodeSinceMs, explanation } = verdict
  if (!confirmed || type === null || severity === null) return null
  return { type, severity, sinceMs: episodeSinceMs ?? timeMs, explanation }
}
