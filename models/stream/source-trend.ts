import type { KeptReport, Report } from './report.js'
import { trendOf, type Direction } from './trend.js'

/** Where a source is heading. */
export interface Trend {
  /** Reports in the window. */
  readonly windowSize: number
  /** Anomalous reports in a row. */
  readonly anomalyStreak: number
  readonly rpsTrend: Direction
  readonly latencyTrend: Direction
  readonly errorTrend: Direction
  /** Share of anomalous reports, 0…1. */
  readonly recentAnomalyRate: number
  readonly status: 'ok' | 'insufficient_data'
}

/** With fewer reports than this there is no trend. */
export const MIN_TREND_REPORTS = 10

/** Smallest changes over a window that matter: 1 ms, and one point of errors. */
const MIN_LATENCY_CHANGE_MS = 1
const MIN_ERROR_CHANGE = 0.01

/**
 * The trend of a source. Latencies and errors that rest on too few requests are left out.
 *
 * @param window reports in order of time; with none there is insufficient data
 * @param streak anomalous reports in a row
 */
export function sourceTrend(window: readonly KeptReport[], streak: number): Trend {
  const isEnough = (reports: readonly KeptReport[]) => reports.length >= MIN_TREND_REPORTS
  const of = (reports: readonly KeptReport[], value: (report: Report) => number, minChange: number) =>
    isEnough(reports) ? trendOf(reports.map(value), minChange) : 'stable'
  const informative = window.filter(({ trafficOnly }) => trafficOnly !== true)
  return {
    windowSize: window.length,
    anomalyStreak: streak,
    rpsTrend: of(window, (report) => report.requestsPerSecond, 0),
    latencyTrend: of(informative, (report) => report.avgLatencyMs, MIN_LATENCY_CHANGE_MS),
    errorTrend: of(informative, (report) => report.errorRate, MIN_ERROR_CHANGE),
    recentAnomalyRate: window.filter(({ anomaly }) => anomaly).length / Math.max(1, window.length),
    status: isEnough(window) ? 'ok' : 'insufficient_data',
  }
}
