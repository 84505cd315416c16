import { instantOf, localTimeOf } from '../../models/seasonality/local-time.js'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../models/traffic/durations.js'

/** When the service trains by itself. */
export interface Schedule {
  readonly everyMs: number
  /** IANA name. */
  readonly timeZone: string
}

/** What was trained so far. */
export interface TrainingPast {
  /** When the active models became active; null where none ever was. */
  readonly activeSinceMs: number | null
  /** The length of the history that the active detector has learned from; null where it is not known. */
  readonly learnedMs: number | null
  /** The newest active version, which sets the minute of the night: all replicas know it. */
  readonly version: string | null
  /** The last automatic training; null before the first. */
  readonly attempt: { readonly atMs: number; readonly ended: AttemptEnd } | null
}

/** done: with or without a new model. failed: also one whose service has died. */
export type AttemptEnd = 'done' | 'no_data' | 'failed'

/** A training every day happens by night: in the hour after this local hour. */
const NIGHT_HOUR = 3

/** A night that begins sooner after a training is left out. */
const MIN_PAUSE_MS = 2 * HOUR_MS

/** A detector that has learned from less is trained again when there is twice as much. */
const YOUNG_MS = 2 * DAY_MS

/** After a failure. */
const RETRY_MS = HOUR_MS

/** Without any model, the service looks so often whether there is enough data. */
const LOOK_MS = 2 * MINUTE_MS

/** A time further ahead than the clocks of two servers differ is of a clock that was wrong. It says nothing. */
const MAX_AHEAD_MS = HOUR_MS

/**
 * When the next automatic training is due; a time that has passed means now.
 *
 * - Without any model: now, and again until there is enough data.
 * - After a failure: an hour later.
 * - Every day: by night. A night that was missed is left out, unless the models are two days old.
 * - While the detector has learned from less than two days: also as soon as the history is twice as long.
 * - Any other period: by the age of the active models.
 * - After a clock that was ahead has been set back: now.
 */
export function nextTraining({ everyMs, timeZone }: Schedule, past: TrainingPast, nowMs: number): number {
  const { version } = past
  const isPast = (timeMs: number) => timeMs <= nowMs + MAX_AHEAD_MS
  const attempt = past.attempt && isPast(past.attempt.atMs) ? past.attempt : null
  if (past.activeSinceMs === null) {
    if (attempt === null) return nowMs
    return attempt.atMs + (attempt.ended === 'failed' ? RETRY_MS : LOOK_MS)
  }
  const activeSinceMs = isPast(past.activeSinceMs) ? past.activeSinceMs : -Infinity
  if (attempt?.ended === 'failed' && attempt.atMs > activeSinceMs) return attempt.atMs + RETRY_MS
  const lastMs = Math.max(activeSinceMs, attempt?.atMs ?? -Infinity)
  if (lastMs === -Infinity) return nowMs
  const { learnedMs } = past
  const doubledMs = learnedMs !== null && learnedMs < YOUNG_MS ? lastMs + learnedMs : Infinity
  if (everyMs !== DAY_MS) return Math.min(doubledMs, lastMs + everyMs)
  const minute = NIGHT_HOUR * 60 + minuteOf(version ?? '')
  const nightMs = nightAfter(lastMs + MIN_PAUSE_MS, minute, timeZone)
  if (nowMs - nightMs < HOUR_MS) return Math.min(doubledMs, nightMs)
  const regularMs = nowMs - lastMs >= 2 * DAY_MS ? nowMs : nightAfter(nowMs, minute, timeZone)
  return Math.min(doubledMs, regularMs)
}

/** The first moment at or after another at which the clocks show this minute of the day. */
function nightAfter(afterMs: number, minuteOfDay: number, timeZone: string): number {
  const { day } = localTimeOf(timeZone)(afterMs)
  const nights = [-1, 0, 1, 2].map((n) => instantOf((day + n) * DAY_MS + minuteOfDay * MINUTE_MS, timeZone))
  return nights.find((nightMs) => nightMs >= afterMs)!
}

/** A minute of the hour, 0 to 59, which a text determines: services do not all train in the same minute. */
function minuteOf(version: string): number {
  let hash = 0
  for (const char of version) hash = (Math.imul(hash, 31) + char.charCodeAt(0)) >>> 0
  return hash % 60
}
