import { MINUTE_MS } from '../traffic/durations.js'

/** What is known of how late the rows of a log arrive. Immutable, plain JSON; times in ms since 1970. */
export interface Lateness {
  /** When it was last looked at; null before. */
  readonly lookedMs: number | null
  /** The newest row; null while there is none. */
  readonly newestMs: number | null
  /** How late rows arrive, in ms. */
  readonly latenessMs: number
}

/** What a look at the log finds. */
export interface LogLook {
  readonly nowMs: number
  /** The oldest row that is newer than the newest one of the look before; null without such a row. */
  readonly oldestNewMs: number | null
  /** The newest row; null without any. */
  readonly newestMs: number | null
}

/** Rows that arrive later are no longer waited for. */
export const MAX_LATENESS_MS = 15 * MINUTE_MS

/** What is kept of a lateness after a minute in which rows were less late: half of it after 70 minutes. */
const KEPT = 0.99

/** Before a first look. @param latenessMs what was known before, by another replica */
export function beginLateness(latenessMs = 0): Lateness {
  return { lookedMs: null, newestMs: null, latenessMs }
}

/**
 * Learns from a look. A row that was not there at the look before arrived after it, so it is at least as late as that look
 * is after the row. The largest lateness counts, and is forgotten slowly.
 */
export function afterLook(before: Lateness, { nowMs, oldestNewMs, newestMs }: LogLook): Lateness {
  const { lookedMs, latenessMs } = before
  const seen =
    lookedMs === null || before.newestMs === null || oldestNewMs === null ? 0 : lookedMs - oldestNewMs
  const minutes = lookedMs === null ? 0 : Math.max(0, nowMs - lookedMs) / MINUTE_MS
  return {
    lookedMs: nowMs,
    newestMs: newestMs ?? before.newestMs,
    latenessMs: Math.min(MAX_LATENESS_MS, Math.max(seen, latenessMs * KEPT ** minutes)),
  }
}

/** Learns that a minute still got rows so long after its end. */
export function withLateRows(before: Lateness, ageMs: number): Lateness {
  return { ...before, latenessMs: Math.min(MAX_LATENESS_MS, Math.max(before.latenessMs, ageMs)) }
}

/** The end of the last minute whose rows are all there. @param delayMs waited for after the end of each minute */
export function completeTo({ latenessMs }: Lateness, nowMs: number, delayMs: number): number {
  return Math.floor((nowMs - delayMs - latenessMs) / MINUTE_MS) * MINUTE_MS
}

/** Requests that are expected in a pause, from which on it is silence. */
const SILENT_REQUESTS = 5

/** Whether a log without newer rows is silent although requests are expected. */
export function isSilent({ newestMs }: Lateness, completeMs: number, requestsPerMinute: number): boolean {
  if (newestMs === null) return false
  return ((completeMs - newestMs) / MINUTE_MS) * requestsPerMinute >= SILENT_REQUESTS
}
