import { beginStream, withoutAlarm, type StreamState, type StreamVerdict } from './stream.js'
import { trendOf, type Direction } from './trend.js'
import { MINUTE_MS } from '../traffic/durations.js'

/** One report of a source, as the window keeps it. */
export interface Report {
  /** Milliseconds since 1970. */
  readonly timestampMs: number
  readonly requestsPerSecond: number
  readonly avgLatencyMs: number
  readonly errorRate: number
  /** Of its latencies and its error rate nothing is to be told. */
  readonly trafficOnly?: boolean | undefined
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

interface Kept extends Report {
  readonly anomaly: boolean
}

/** What is remembered of a source: plain JSON. */
export interface SourceMemory {
  readonly window: Kept[]
  /** After the newest report, and before it: a second report for the same minute replaces the first. */
  state: StreamState
  before: StreamState
}

/** Judges a report of a stream in a state. */
export type Judge = (state: StreamState) => { verdict: StreamVerdict; state: StreamState }

const WINDOW_SIZE = 60
const MAX_SOURCES = 1000

/** Fewer reports than this have no trend. */
const MIN_TREND_REPORTS = 10

/** A report this far ahead of the clock came from a clock that is wrong. */
const CLOCK_TOLERANCE_MS = 5 * MINUTE_MS

/**
 * The streams of all sources, each with a window of its last 60 reports.
 *
 * A second report for the newest minute replaces the first, since clients retry. A report that is older than the
 * newest minute is judged but moves nothing. So that a report from a wrong clock does not stop a source for good,
 * reports that lie in the future leave when one of the present comes. At most 1,000 sources are kept; the one longest
 * without a report leaves. A source takes some 25 kB.
 */
export class Streams {
  readonly #sources = new Map<string, SourceMemory>()
  readonly #changed = new Set<string>()

  /**
   * Judges a report and takes it in.
   * @param nowMs the clock, milliseconds since 1970
   */
  report(source: string, report: Report, nowMs: number, judge: Judge): StreamVerdict {
    const memory = this.#memoryOf(source)
    this.#forgetFuture(memory, report, nowMs)
    const newest = memory.window.at(-1)
    if (newest && minuteOf(newest) > minuteOf(report))
      return asOldOne(judge(withoutAlarm(memory.state)).verdict)
    if (newest && minuteOf(newest) === minuteOf(report)) {
      memory.window.pop()
      memory.state = memory.before
    }
    const { verdict, state } = judge(memory.state)
    memory.before = memory.state
    memory.state = state
    memory.window.push({ ...report, anomaly: verdict.anomaly })
    if (memory.window.length > WINDOW_SIZE) memory.window.shift()
    this.#changed.add(source)
    return verdict
  }

  /** Where a source is heading; of a source never heard of there is insufficient data. */
  trend(source: string): Trend {
    const { window: reports = [], state } = this.#sources.get(source) ?? {}
    const enough = (kept: readonly Kept[]) => kept.length >= MIN_TREND_REPORTS
    const of = (kept: readonly Kept[], value: (report: Report) => number, least: number) =>
      enough(kept) ? trendOf(kept.map(value), least) : 'stable'
    const telling = reports.filter(({ trafficOnly }) => trafficOnly !== true)
    return {
      windowSize: reports.length,
      anomalyStreak: state?.streak ?? 0,
      rpsTrend: of(reports, (report) => report.requestsPerSecond, 0),
      latencyTrend: of(telling, (report) => report.avgLatencyMs, 1),
      errorTrend: of(telling, (report) => report.errorRate, 0.01),
      recentAnomalyRate: reports.filter((report) => report.anomaly).length / Math.max(1, reports.length),
      status: enough(reports) ? 'ok' : 'insufficient_data',
    }
  }

  clear(): void {
    this.#sources.clear()
    this.#changed.clear()
  }

  /** What has changed since it was last asked for, to be kept. */
  takeChanged(): [string, SourceMemory][] {
    const changed = [...this.#changed].flatMap((source): [string, SourceMemory][] => {
      const memory = this.#sources.get(source)
      return memory ? [[source, memory]] : []
    })
    this.#changed.clear()
    return changed
  }

  /** Has to be kept yet. */
  markChanged(sources: readonly string[]): void {
    for (const source of sources) if (this.#sources.has(source)) this.#changed.add(source)
  }

  /** Takes up what was kept, but for sources that have reported by now. */
  restore(kept: Iterable<readonly [string, SourceMemory]>): void {
    for (const [source, memory] of kept) {
      if (!this.#sources.has(source) && this.#sources.size < MAX_SOURCES) this.#sources.set(source, memory)
    }
  }

  #memoryOf(source: string): SourceMemory {
    const state = beginStream(source)
    const memory = this.#sources.get(source) ?? { window: [], state, before: state }
    this.#sources.delete(source) // and in again at the end: a Map keeps the order of insertion
    this.#sources.set(source, memory)
    if (this.#sources.size > MAX_SOURCES) this.#sources.delete(this.#sources.keys().next().value!)
    return memory
  }

  #forgetFuture(memory: SourceMemory, report: Report, nowMs: number): void {
    const horizon = nowMs + CLOCK_TOLERANCE_MS
    if (report.timestampMs > horizon || (memory.window.at(-1)?.timestampMs ?? 0) <= horizon) return
    const nPresent = memory.window.findLastIndex(({ timestampMs }) => timestampMs <= horizon) + 1
    const [first, ...others] = memory.window.splice(nPresent)
    if (!first) return
    const timeMs = memory.window.at(-1)?.timestampMs ?? null
    // Before a single one everything was as it is again; of several only the last is undone.
    memory.state =
      others.length === 0
        ? memory.before
        : { ...memory.before, timeMs, usual: null, episode: null, streak: 0 }
    memory.before = memory.state
  }
}

function asOldOne(verdict: StreamVerdict): StreamVerdict {
  return { ...verdict, streak: verdict.anomaly ? 1 : 0, confirmed: false, episodeSinceMs: null }
}

function minuteOf({ timestampMs }: Report): number {
  return Math.floor(timestampMs / MINUTE_MS)
}
