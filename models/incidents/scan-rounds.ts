import { judgeRound, type Round, type WatchDetector } from '../watch/judge-round.js'
import { beginWatch, type WatchStates } from '../watch/series-state.js'
import { knowsTheDay } from '../anomaly/model.js'
import { HOUR_MS } from '../traffic/durations.js'
import { EMPTY_BOOK, type BookState } from './book-state.js'
import { recordRound } from './book.js'
import { NO_FEEDBACK, withoutMuted, type FeedbackIndex } from './feedback.js'
import type { Incident } from './incident.js'

/** What a scan has found so far. Immutable. */
export interface RoundScan {
  readonly states: WatchStates
  readonly book: BookState
  /** By number, as they were last. */
  readonly found: ReadonlyMap<number, Incident>
  /** The detector as it was given, the same with the endpoints that have begun, and the hour that this is for. */
  readonly whole: WatchDetector
  readonly detector: WatchDetector
  readonly hour: number
  /** What people said was no incident. */
  readonly feedback: FeedbackIndex
}

export function beginRoundScan(detector: WatchDetector, feedback = NO_FEEDBACK): RoundScan {
  const states = beginWatch(knowsTheDay(detector.watch.gateway))
  return { states, book: EMPTY_BOOK, found: new Map(), whole: detector, detector, hour: NaN, feedback }
}

/**
 * The scan after a round, which is judged as the watcher judges it. A model that was fitted later knows endpoints that
 * have not begun: these are watched from the hour after their first request on.
 *
 * @param detector that of the round before, unless endpoints were fitted again since
 * @param isRecorded false before the range: the round is judged, so that levels are known, but its alarms are no incident
 * @yields as `judgeRound`
 */
export function* scanRound(
  before: RoundScan,
  round: Round,
  detector: WatchDetector,
  isRecorded: boolean,
): Generator<undefined, RoundScan> {
  const hour = Math.floor(round.timeMs / HOUR_MS)
  const isSame = hour === before.hour && detector === before.whole
  const begun = isSame ? before.detector : begunBy(hour * HOUR_MS, before, detector)
  const { states, minutes } = yield* judgeRound(before.states, round, begun)
  const judgedBy = { states, whole: detector, detector: begun, hour }
  if (!isRecorded) return { ...before, ...judgedBy }
  const { state: book, changes } = recordRound(before.book, withoutMuted(minutes, before.feedback))
  const changed = [...changes.opened, ...changes.updated, ...changes.ended]
  const found =
    changed.length === 0
      ? before.found
      : new Map([...before.found, ...changed.map((each) => [each.number, each] as const)])
  return { ...before, ...judgedBy, book, found }
}

/** The detector with the endpoints that had requests before a time; the one before when these are the same. */
function begunBy(timeMs: number, before: RoundScan, whole: WatchDetector): WatchDetector {
  const endpoints = [...whole.watch.endpoints].filter(([, { firstSeenMs }]) => firstSeenMs < timeMs)
  if (endpoints.length === whole.watch.endpoints.size) return whole
  const isSame = whole === before.whole && endpoints.length === before.detector.watch.endpoints.size
  return isSame ? before.detector : { ...whole, watch: { ...whole.watch, endpoints: new Map(endpoints) } }
}
