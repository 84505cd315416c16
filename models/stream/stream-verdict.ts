import type { CalendarEntry } from '../anomaly/calendar.js'
import { MAX_NORMAL_REACH, type Decision, type Flapping } from '../anomaly/decision.js'
import { strongest, type PerKind } from '../anomaly/kinds.js'
import type { Verdict } from '../anomaly/verdict.js'
import { MINUTE_MS } from '../traffic/durations.js'
import { isConfirmed, QUIET_REPORTS, type Episode } from './episode.js'

/** The verdict on a report of a stream. */
export interface StreamVerdict extends Verdict {
  /** Anomalous reports in a row, this one included. */
  readonly streak: number
  /** The report belongs to an episode. */
  readonly confirmed: boolean
  /** When the episode began, ms since 1970; null outside an episode. */
  readonly episodeSinceMs: number | null
  /** The deviation of the episode comes and goes; null when it does not. */
  readonly flapping: Flapping | null
}

/** The largest reach of an anomaly outside an episode. Gateways alert from a score of 0.7 on; this stays below it. */
export const MAX_UNCONFIRMED_REACH = 1.4

/** The largest score of a report that is not judged. */
const MAX_SILENCED_SCORE = 0.49

/**
 * The decision about a report of a stream.
 *
 * - Within an episode, the report is anomalous, and its kinds are those of the whole episode.
 * - Outside one, an anomaly counts for at most {@link MAX_UNCONFIRMED_REACH}. For a normal report, the evidence so far
 *   shows in the reach.
 * - A quiet report of an episode that may yet go on is normal. How recent the deviation is shows in the reach.
 *
 * @param minute the decision about the report alone
 * @param flapping see `flappingAt`
 */
export function decideReport(
  minute: Decision,
  accumulated: PerKind<number>,
  episode: Episode | null,
  timeMs: number,
  flapping: Flapping | null,
): Decision {
  const { anomaly, score, kinds, harm } = minute
  if (isConfirmed(episode)) {
    const reach = Math.max(1, minute.reach, strongest(accumulated))
    const minutes = minute.minutes + (timeMs - episode.sinceMs) / MINUTE_MS
    return {
      anomaly: true,
      score,
      reach,
      kinds: episode.kinds,
      harm,
      lasting: episode.harm,
      minutes,
      confirmed: true,
      flapping,
    }
  }
  const reach = anomaly
    ? Math.min(minute.reach, MAX_UNCONFIRMED_REACH)
    : Math.max(minute.reach, Math.min(MAX_NORMAL_REACH, strongest(accumulated)), reachOfQuiet(episode))
  const { lasting, minutes } = minute
  return { anomaly, score, reach, kinds, harm, lasting, minutes, confirmed: false, flapping: null }
}

/** The reach of a quiet report in an episode: it falls with each of them, by about a half until the episode ends. */
function reachOfQuiet(episode: Episode | null): number {
  return episode === null ? 0 : MAX_NORMAL_REACH * (1 - episode.quiet / (2 * QUIET_REPORTS))
}

/** A verdict with its place in the stream. Spelled out: to spread a verdict costs a tenth of the time of judging. */
export function inStream(
  verdict: Verdict,
  streak: number,
  confirmed: boolean,
  episodeSinceMs: number | null,
  flapping: Flapping | null,
): StreamVerdict {
  return {
    anomaly: verdict.anomaly,
    score: verdict.score,
    normalizedScore: verdict.normalizedScore,
    type: verdict.type,
    severity: verdict.severity,
    confidence: verdict.confidence,
    explanation: verdict.explanation,
    expected: verdict.expected,
    contributions: verdict.contributions,
    streak,
    confirmed,
    episodeSinceMs,
    flapping,
  }
}

/** A verdict on a report that was judged alone, outside any episode. */
export function alone(verdict: Verdict): StreamVerdict {
  return inStream(verdict, verdict.anomaly ? 1 : 0, false, null, null)
}

/** The verdict on a report at a time that the calendar excludes: never an anomaly, whatever was measured. */
export function silenced(verdict: StreamVerdict, { reason }: CalendarEntry): StreamVerdict {
  return {
    ...verdict,
    anomaly: false,
    normalizedScore: Math.min(verdict.normalizedScore, MAX_SILENCED_SCORE),
    type: null,
    severity: null,
    explanation: `Not judged: the calendar has ${JSON.stringify(reason)} for this time.`,
    streak: 0,
    confirmed: false,
    episodeSinceMs: null,
    flapping: null,
  }
}
