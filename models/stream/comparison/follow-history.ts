import { timedIntervals, type TimedInterval } from '../../anomaly/measure.js'
import { regularHistory, type History } from '../../anomaly/regular-history.js'
import { judgeReport, type Detector } from '../judge-report.js'
import { episodesOf, type ReplayedEpisode, type SourceReport } from '../replay.js'
import { beginStream, GATEWAY, type StreamState } from '../stream-state.js'
import type { StreamVerdict } from '../stream-verdict.js'

/** A history as a detector judged it, as the stream of the whole gateway. */
export interface FollowedHistory {
  readonly detector: Detector
  /** In the rows of the detector. */
  readonly reports: readonly TimedInterval[]
  /** In order of their beginnings. */
  readonly episodes: readonly ReplayedEpisode[]
  /** The states before some reports, by their index. */
  readonly states: ReadonlyMap<number, StreamState>
}

/** The history in the rows of a detector. */
export function reportsOf(history: History, { model }: Pick<Detector, 'model'>): TimedInterval[] {
  return timedIntervals(regularHistory(history, model.intervalSeconds))
}

/**
 * Judges a history by the code that judges reports, from a new stream on. Only alarms and a few states are kept.
 *
 * @param kept indices of the reports whose state before them is kept
 */
export function followHistory(
  reports: readonly TimedInterval[],
  detector: Detector,
  kept: ReadonlySet<number> = new Set(),
): FollowedHistory {
  const states = new Map<number, StreamState>()
  function* judged(): Generator<SourceReport & { verdict: StreamVerdict }> {
    let state = beginStream(GATEWAY)
    for (const [index, timed] of reports.entries()) {
      if (kept.has(index)) states.set(index, state)
      const next = judgeReport(state, GATEWAY, timed, detector)
      state = next.state
      yield { source: GATEWAY, timed, verdict: next.verdict }
    }
  }
  const episodes = episodesOf(judged())
  return { detector, reports, episodes, states }
}
