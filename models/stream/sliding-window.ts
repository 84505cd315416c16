import { trendOf, type Direction } from './trend.js'

/** One report of a source, as the window keeps it. */
export interface Report {
  /** Milliseconds since 1970. */
  readonly timestampMs: number
  readonly requestsPerSecond: number
  readonly avgLatencyMs: number
  readonly errorRate: number
  readonly anomaly: boolean
}

export interface Trend {
  readonly windowSize: number
  readonly anomalyStreak: number
  readonly rpsTrend: Direction
  readonly latencyTrend: Direction
  readonly errorTrend: Direction
  readonly recentAnomalyRate: number
  readonly status: 'ok' | 'insufficient_data'
}

const WINDOW_SIZE = 60
const MAX_SOURCES = 1000
const MINUTE_MS = 60_000

/** From this many anomalous reports in a row an anomaly is confirmed. */
export const CONFIRMING_STREAK = 3

/** Fewer reports than this have no trend. */
const MIN_TREND_REPORTS = 10

/** A report this far ahead of the clock came from a clock that is wrong. */
const CLOCK_TOLERANCE_MS = 5 * MINUTE_MS

interface SourceWindow {
  reports: Report[]
  streak: number
  /** The streak before the newest report, for when that report is replaced. */
  streakBefore: number
}

/**
 * The last 60 reports of each source, and how many of the newest were anomalous in a row.
 *
 * A second report for the newest minute replaces the first, since clients retry. A report that is older than
 * the newest minute is judged but moves nothing. So that one report from a wrong clock does not stop a source
 * for good, a window that lies in the future is dropped when a report of the present comes. At most 1,000
 * sources are kept; the one longest without a report leaves.
 */
export class SlidingWindows {
  readonly #sources = new Map<string, SourceWindow>()

  /**
   * Takes in a report.
   * @param nowMs the clock, milliseconds since 1970
   * @returns anomalous reports in a row up to and with this one
   */
  add(source: string, report: Report, nowMs: number): number {
    const window = this.#windowFor(source, report, nowMs)
    const newest = window.reports.at(-1)
    const age = newest ? minuteOf(newest) - minuteOf(report) : -1
    if (age > 0) return report.anomaly ? 1 : 0
    if (age === 0) window.reports.pop()
    else window.streakBefore = window.streak
    window.reports.push(report)
    if (window.reports.length > WINDOW_SIZE) window.reports.shift()
    window.streak = report.anomaly ? window.streakBefore + 1 : 0
    return window.streak
  }

  /** Where a source is heading; of a source never heard of there is insufficient data. */
  trend(source: string): Trend {
    const { reports, streak } = this.#sources.get(source) ?? { reports: [], streak: 0 }
    const enough = reports.length >= MIN_TREND_REPORTS
    const of = (value: (report: Report) => number, least: number) =>
      enough ? trendOf(reports.map(value), least) : 'stable'
    return {
      windowSize: reports.length,
      anomalyStreak: streak,
      rpsTrend: of((report) => report.requestsPerSecond, 0),
      latencyTrend: of((report) => report.avgLatencyMs, 1),
      errorTrend: of((report) => report.errorRate, 0.01),
      recentAnomalyRate: reports.filter((report) => report.anomaly).length / Math.max(1, reports.length),
      status: enough ? 'ok' : 'insufficient_data',
    }
  }

  clear(): void {
    this.#sources.clear()
  }

  #windowFor(source: string, report: Report, nowMs: number): SourceWindow {
    const known = this.#sources.get(source)
    const newest = known?.reports.at(-1)
    const horizon = nowMs + CLOCK_TOLERANCE_MS
    const isAhead = newest !== undefined && newest.timestampMs > horizon && report.timestampMs <= horizon
    const window = known && !isAhead ? known : { reports: [], streak: 0, streakBefore: 0 }
    this.#sources.delete(source) // and in again at the end: a Map keeps the order of insertion
    this.#sources.set(source, window)
    if (this.#sources.size > MAX_SOURCES) this.#sources.delete(this.#sources.keys().next().value!)
    return window
  }
}

function minuteOf({ timestampMs }: Report): number {
  return Math.floor(timestampMs / MINUTE_MS)
}
