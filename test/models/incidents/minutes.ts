import type { Series, SeriesMinute } from '../../../models/incidents/series-minute.js'
import type { Severity } from '../../../models/anomaly/verdict.js'

export const START_MS = Date.UTC(2026, 0, 5, 12)
export const MINUTE_MS = 60_000

export const GATEWAY: Series = { kind: 'gateway', name: '' }
export const endpoint = (name: string): Series => ({ kind: 'endpoint', name })

/** What is wrong with a series in a minute. */
export interface Trouble {
  readonly type: 'failing' | 'silent' | 'slow' | 'flooded'
  readonly severity?: Severity
  /** The first abnormal minute; that of the test's trouble when left out. */
  readonly since?: number
}

const TYPES = {
  failing: 'error_rate_spike',
  silent: 'traffic_drop',
  slow: 'latency_spike',
  flooded: 'traffic_spike',
} as const

/** A minute of a series with so many usual requests. */
export function seriesMinute(
  series: Series,
  minute: number,
  usual: number,
  trouble: Trouble | null = null,
  harmedUsual = usual,
): SeriesMinute {
  const { type, severity = 'high', since = minute } = trouble ?? {}
  const requests =
    type === 'silent' ? usual - harmedUsual : type === 'flooded' ? usual + 4 * harmedUsual : usual
  return {
    series,
    timeMs: START_MS + minute * MINUTE_MS,
    seconds: 60,
    requests,
    failed: 0.01 * requests + (type === 'failing' ? 0.5 * harmedUsual : 0),
    latencyMs: type === 'slow' ? 50 + (250 * harmedUsual) / usual : 50,
    expected: { requests: usual, failed: 0.01 * requests, latencyMs: 50 },
    alarm: type
      ? {
          type: TYPES[type],
          severity,
          sinceMs: START_MS + since * MINUTE_MS,
          explanation: `${series.name || 'The gateway'} is ${type}.`,
        }
      : null,
  }
}
