import { MINUTE_MS } from '../traffic/durations.js'

// Rows of a log may come late in three ways. All of them come late, in order: then the newest row says up to where the log is
// complete. They come in batches: then the log pauses, and is complete after each batch. Some come later than others: then a
// minute gets more rows after later minutes have begun. Pauses and lags are learned; a single one proves nothing.

/** What is known of how the rows of a log arrive. Immutable, plain JSON; times in ms since 1970, durations in ms. */
export interface Lateness {
  /** The newest row; null while there is none. */
  readonly newestMs: number | null
  /** When new rows were last found; null before the first look. */
  readonly advancedMs: number | null
  /** The longest pause of each minute in which one ended. */
  readonly pauses: readonly Sample[]
  /** The largest lag of each minute in which one was seen. */
  readonly lags: readonly Sample[]
}

interface Sample {
  readonly seenMs: number
  readonly ms: number
}

/** What a look at the log finds. */
export interface LogLook {
  readonly nowMs: number
  /** The oldest row that is newer than the newest one of the look before; null without such a row. */
  readonly oldestNewMs: number | null
  /** The newest row; null without any. */
  readonly newestMs: number | null
}

/** Rows that come later are no longer waited for. */
const MAX_LATENESS_MS = 15 * MINUTE_MS

/** How long a pause or a lag is remembered. */
const MEMORY_MS = 60 * MINUTE_MS

export const UNKNOWN_LATENESS: Lateness = { newestMs: null, advancedMs: null, pauses: [], lags: [] }

/** Rows that came within this share of a pause after its beginning were held back by it. */
const HELD_BACK = 0.25

/** Learns from a look. */
export function afterLook(before: Lateness, { nowMs, oldestNewMs, newestMs }: LogLook): Lateness {
  if (before.advancedMs === null) return { ...before, newestMs, advancedMs: nowMs }
  const advancedMs = Math.min(before.advancedMs, nowMs) // the clock may be set back
  if (oldestNewMs === null) return { ...before, newestMs: newestMs ?? before.newestMs, advancedMs }
  const pauseMs = nowMs - advancedMs
  // After an outage, rows are new ones.
  const isHeldBack = before.newestMs !== null && oldestNewMs - before.newestMs < HELD_BACK * pauseMs
  const pauses = isHeldBack ? withSample(before.pauses, nowMs, pauseMs) : before.pauses
  return { ...before, newestMs, advancedMs: nowMs, pauses }
}

/** Learns that a minute still got rows so long after its end. */
export function withLag(before: Lateness, nowMs: number, ms: number): Lateness {
  return { ...before, lags: withSample(before.lags, nowMs, ms) }
}

/** How long after its end a minute may still get rows. */
export function lagOf({ lags }: Lateness, nowMs: number): number {
  return believed(lags, nowMs)
}

/** The end of the last minute that has all its rows, unless rows are held back. @param delayMs waited for in any case */
export function completeTo(lateness: Lateness, nowMs: number, delayMs: number): number {
  return floorMinute(nowMs - delayMs - lagOf(lateness, nowMs))
}

/** Requests that are expected in a time without any, from which on rows are missing. */
const MISSING_REQUESTS = 5

/**
 * Whether rows are missing at the end of the log: it is late, or it has stopped.
 * @param requestsPerMinute that are expected
 */
export function isBehind({ newestMs }: Lateness, completeMs: number, requestsPerMinute: number): boolean {
  return newestMs !== null && expectedIn(completeMs - newestMs, requestsPerMinute) >= MISSING_REQUESTS
}

/** Beyond its usual pauses, a log has stopped after this time. */
const STOPPED = { factor: 1.2, ms: 30_000 }

/** Whether a log that is behind has stopped: nothing has come for longer than it usually pauses. */
export function hasStopped(lateness: Lateness, nowMs: number, requestsPerMinute: number): boolean {
  const { advancedMs, pauses } = lateness
  if (advancedMs === null) return false
  const silentMs = nowMs - advancedMs
  const isLong = silentMs >= STOPPED.factor * believed(pauses, nowMs) + STOPPED.ms
  return isLong && expectedIn(silentMs, requestsPerMinute) >= MISSING_REQUESTS
}

const expectedIn = (ms: number, requestsPerMinute: number) => (ms / MINUTE_MS) * requestsPerMinute

/** The second largest of the last hour: a single import or outage is not how rows usually arrive. */
function believed(samples: readonly Sample[], nowMs: number): number {
  const known = samples.filter(({ seenMs }) => nowMs - seenMs <= MEMORY_MS).map(({ ms }) => ms)
  return Math.min(MAX_LATENESS_MS, known.sort((a, b) => b - a)[1] ?? 0)
}

/** With another sample; of those of a minute, the largest is kept. */
function withSample(samples: readonly Sample[], seenMs: number, ms: number): readonly Sample[] {
  const minute = (timeMs: number) => Math.floor(timeMs / MINUTE_MS)
  const others = samples.filter(
    (each) => minute(each.seenMs) !== minute(seenMs) && seenMs - each.seenMs <= MEMORY_MS,
  )
  const same = samples.find((each) => minute(each.seenMs) === minute(seenMs))
  return [...others, { seenMs, ms: Math.max(ms, same?.ms ?? 0) }]
}

/** The beginning of the minute of a time; both in ms since 1970. */
export const floorMinute = (timeMs: number) => Math.floor(timeMs / MINUTE_MS) * MINUTE_MS
