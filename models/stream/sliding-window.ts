import { trendOf, type Direction } from './trend.js'

/** One report of a source, as the window keeps it. */
export interface Report {
  /** Milliseconds since 1970. */
  readonly timestampMs: number
  readonly requestsPerSecond: number
  readonly avgLatencyMs: number
  readonly errorRate: number
  readonly anomaly: boolean
  /** Its latency and its errors stand on too few requests to be part of a trend. */
  readonly trafficOnly?: boolean
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

/** A longer silence than this ends an episode: what comes after it is not "in a row". */
const LONGEST_GAP_MS = 15 * MINUTE_MS

/** A report with the count of anomalous ones in a row up to and with it. */
interface Kept extends Report {
  readonly streak: number
}

/**
 * The last 60 reports of each source, and how many of the newest were anomalous in a row.
 *
 * A second report for the newest minute replaces the first, since clients retry. A report that is older than
 * the newest minute is judged but moves nothing. So that a report from a wrong clock does not stop a source for
 * good, reports that lie in the future leave when one of the present comes. At most 1,000 sources are kept; the
 * one longest without a report leaves.
 */
export class SlidingWindows {
  readonly #sources = new Map<string, Kept[]>()

  /**
   * Takes in a report.
   * @param nowMs the clock, milliseconds since 1970
   * @returns anomalous reports in a row up to and with this one
   */
  add(source: string, report: Report, nowMs: number): number {
    const window = this.#windowOf(source)
    const horizon = nowMs + CLOCK_TOLERANCE_MS
    if (report.timestampMs <= horizon) {
      while (window.length > 0 && window.at(-1)!.timestampMs > horizon) window.pop()
    }
    const newest = window.at(-1)
    if (newest && minuteOf(newest) > minuteOf(report)) return report.anomaly ? 1 : 0
    if (newest && minuteOf(newest) === minuteOf(report)) window.pop()
    const before = window.at(-1)
    const inRow = before !== undefined && report.timestampMs - before.timestampMs <= LONGEST_GAP_MS
    const streak = report.anomaly ? (inRow ? before.streak : 0) + 1 : 0
    window.push({ ...report, streak })
    if (window.length > WINDOW_SIZE) window.shift()
    return streak
  }

  /** Where a source is heading; of a source never heard of there is insufficient data. */
  trend(source: string): Trend {
    const reports = this.#sources.get(source) ?? []
    const telling = reports.filter((report) => !report.trafficOnly)
    const of = (some: readonly Report[], value: (report: Report) => number, least: number) =>
      some.length >= MIN_TREND_REPORTS ? trendOf(some.map(value), least) : 'stable'
    return {
      windowSize: reports.length,
      anomalyStreak: reports.at(-1)?.streak ?? 0,
      rpsTrend: of(reports, (report) => report.requestsPerSecond, 0),
      latencyTrend: of(telling, (report) => report.avgLatencyMs, 1),
      errorTrend: of(telling, (report) => report.errorRate, 0.01),
      recentAnomalyRate: reports.filter((report) => report.anomaly).length / Math.max(1, reports.length),
      status: reports.length >= MIN_TREND_REPORTS ? 'ok' : 'insufficient_data',
    }
  }

  clear(): void {
    this.#sources.clear()
  }

  #windowOf(source: string): Kept[] {
    const window = this.#sources.get(source) ?? []
    this.#sources.delete(source) // and in again at the end: a Map keeps the order of insertion
    this.#sources.set(source, window)
    if (this.#sources.size > MAX_SOURCES) this.#sources.delete(this.#sources.keys().next().value!)
    return window
  }
}

function minuteOf({ timestampMs }: Report): number {
  return Math.floor(timestampMs / MINUTE_MS)
}
