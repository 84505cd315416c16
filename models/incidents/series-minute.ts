import type { AnomalyType, Severity } from '../anomaly/verdict.js'

/** What is judged minute by minute. The gateway's name is empty. */
export interface Series {
  readonly kind: 'gateway' | 'endpoint' | 'source'
  /** An endpoint as method and path template, or the name of a source. */
  readonly name: string
}

/** A minute of a series, with what was expected of it. Counts may be fractions, since expectations are. */
export interface SeriesMinute {
  readonly series: Series
  /** When the minute began, ms since 1970. */
  readonly timeMs: number
  readonly seconds: number
  readonly requests: number
  /** Requests answered with 400 or above. */
  readonly failed: number
  /** Average latency in ms; null where not known. */
  readonly latencyMs: number | null
  readonly expected: { readonly requests: number; readonly failed: number; readonly latencyMs: number | null }
  /** Null when the series has no alarm. */
  readonly alarm: SeriesAlarm | null
}

export interface SeriesAlarm {
  readonly type: AnomalyType
  readonly severity: Severity
  /** The first abnormal minute of the episode. */
  readonly sinceMs: number
  readonly explanation: string
}
