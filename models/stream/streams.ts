import type { TimedInterval } from '../anomaly/measure.js'
import { mergeIntervals } from '../anomaly/merge-intervals.js'
import { MINUTE_MS } from '../traffic/durations.js'
import { NO_FLAPS } from './flapping.js'
import { reportOf, type KeptReport } from './report.js'
import { sourceTrend, type Trend } from './source-trend.js'
import { beginStream, withoutAlarm, type StreamState } from './stream-state.js'
import { alone, type StreamVerdict } from './stream-verdict.js'

/** Everything that is remembered of a source: plain JSON. */
export interface SourceMemory {
  readonly window: KeptReport[]
  /** After the newest report. */
  state: StreamState
  /** Before the newest report, for a second report that replaces it. */
  before: StreamState
  /** The reports of the newest row that are shorter than a row; not stored. */
  parts?: readonly TimedInterval[]
}

/** Judges a report of a stream in a state. */
export type Judge = (
  state: StreamState,
  timed: TimedInterval,
) => { readonly verdict: StreamVerdict; readonly state: StreamState }

/** Reports in a window. */
export const WINDOW_SIZE = 60

export const MAX_SOURCES = 1000

/** The most parts of a row that are merged: an hour of ten seconds each. */
const MAX_PARTS = 360

/** A report that lies further ahead of the clock comes from a wrong clock. */
export const CLOCK_TOLERANCE_MS = 5 * MINUTE_MS

/**
 * The streams of all sources, each with a window of its last 60 reports.
 *
 * - A row is as long as those that the model learned from, usually a minute.
 * - A second report for the newest row replaces the first, because clients retry.
 * - Reports that are shorter than a row are merged: each is judged together with those before it in the same row.
 * - A report older than the newest row is judged but changes nothing.
 * - Reports from the future are dropped when a report from the present arrives, so that a wrong clock does not stop a
 *   source for good.
 * - At most 1,000 sources are kept. The one whose last report is oldest leaves first. A source takes about 25 kB.
 */
export class Streams {
  readonly #sources = new Map<string, SourceMemory>()
  readonly #changed = new Set<string>()

  /**
   * Judges a report and adds it to its stream.
   * @param rowMs length of a row
   * @param nowMs the clock, ms since 1970
   * @returns the verdict, and what was judged: the report, or all of its row so far
   */
  report(
    source: string,
    report: TimedInterval,
    rowMs: number,
    nowMs: number,
    judge: Judge,
  ): { readonly verdict: StreamVerdict; readonly timed: TimedInterval } {
    const memory = this.#memoryOf(source)
    this.#forgetFuture(memory, report.timeMs, nowMs)
    const newest = memory.window.at(-1)
    const rowOf = (timeMs: number) => Math.floor(timeMs / rowMs)
    if (newest && rowOf(newest.timestampMs) > rowOf(report.timeMs)) {
      return { verdict: alone(judge(withoutAlarm(memory.state), report).verdict), timed: report }
    }
    const isSameRow = newest !== undefined && rowOf(newest.timestampMs) === rowOf(report.timeMs)
    if (isSameRow) {
      memory.window.pop()
      memory.state = memory.before
    }
    memory.parts = partsWith(isSameRow ? memory.parts : undefined, report, rowMs)
    const timed = wholeOf(memory.parts, report)
    const { verdict, state } = judge(memory.state, timed)
    memory.before = memory.state
    memory.state = state
    memory.window.push({ ...reportOf(timed), anomaly: verdict.anomaly })
    if (memory.window.length > WINDOW_SIZE) memory.window.shift()
    this.#changed.add(source)
    return { verdict, timed }
  }

  /** Where a source is heading. An unknown source has insufficient data. */
  trend(source: string): Trend {
    const { window = [], state } = this.#sources.get(source) ?? {}
    return sourceTrend(window, state?.streak ?? 0)
  }

  clear(): void {
    this.#sources.clear()
    this.#changed.clear()
  }

  /** The memories that have changed since the last call, for storing. */
  takeChanged(): [string, SourceMemory][] {
    const changed = [...this.#changed].flatMap((source): [string, SourceMemory][] => {
      const memory = this.#sources.get(source)
      return memory ? [[source, memory]] : []
    })
    this.#changed.clear()
    return changed
  }

  /** Marks sources as changed again, when they could not be stored. */
  markChanged(sources: readonly string[]): void {
    for (const source of sources) if (this.#sources.has(source)) this.#changed.add(source)
  }

  /** Restores stored memories, except of sources that have reported since the start. */
  restore(stored: Iterable<readonly [string, SourceMemory]>): void {
    for (const [source, memory] of stored) {
      if (!this.#sources.has(source) && this.#sources.size < MAX_SOURCES) this.#sources.set(source, memory)
    }
  }

  #memoryOf(source: string): SourceMemory {
    const state = beginStream(source)
    const memory = this.#sources.get(source) ?? { window: [], state, before: state }
    // A Map keeps the order of insertion: deleted and set again, the source is the last to leave.
    this.#sources.delete(source)
    this.#sources.set(source, memory)
    if (this.#sources.size > MAX_SOURCES) this.#sources.delete(this.#sources.keys().next().value!)
    return memory
  }

  #forgetFuture(memory: SourceMemory, reportMs: number, nowMs: number): void {
    const horizon = nowMs + CLOCK_TOLERANCE_MS
    if (reportMs > horizon || (memory.window.at(-1)?.timestampMs ?? 0) <= horizon) return
    const nPresent = memory.window.findLastIndex(({ timestampMs }) => timestampMs <= horizon) + 1
    const [first, ...others] = memory.window.splice(nPresent)
    if (!first) return
    const timeMs = memory.window.at(-1)?.timestampMs ?? null
    // The state before a single report is known. Of several, only the last can be undone.
    memory.state =
      others.length === 0
        ? memory.before
        : { ...memory.before, timeMs, usual: null, episode: null, flaps: NO_FLAPS, streak: 0, harm: 0 }
    memory.before = memory.state
  }
}

/** The reports of a row that are shorter than it, in order of arrival. A report of the same time is replaced. */
function partsWith(
  parts: readonly TimedInterval[] = [],
  report: TimedInterval,
  rowMs: number,
): readonly TimedInterval[] {
  if (report.interval.seconds * 1000 >= rowMs) return []
  const others = parts.filter(({ timeMs }) => timeMs !== report.timeMs)
  return [...others, report].slice(-MAX_PARTS)
}

/** The parts of a row together, from the first one on; the report alone where it is no part. */
function wholeOf(parts: readonly TimedInterval[], report: TimedInterval): TimedInterval {
  if (parts.length < 2) return report
  const timeMs = Math.min(...parts.map((part) => part.timeMs))
  return { interval: mergeIntervals(parts.map(({ interval }) => interval)), timeMs }
}
