import { instantOf } from '../seasonality/local-time.js'

/** A time that is not ordinary, but no incident: a holiday, or maintenance. It ends before `toMs`. */
export interface CalendarEntry {
  readonly fromMs: number
  readonly toMs: number
  readonly reason: string
}

const MAX_ENTRIES = 10_000

/**
 * Reads a list of `{ from, to, reason? }` with ISO 8601 dates or times. Without an offset, a time is what the clocks of
 * the time zone show. An empty list is valid.
 *
 * @throws Error naming the entry that is wrong, or when the value is no list of at most 10,000 entries
 */
export function parseCalendar(value: unknown, timeZone = 'UTC'): CalendarEntry[] {
  if (!Array.isArray(value) || value.length > MAX_ENTRIES) {
    throw new Error(`a list of at most ${MAX_ENTRIES} entries is needed`)
  }
  return value.map((entry, index) => {
    const { from, to, reason } = (entry ?? {}) as Record<string, unknown>
    const [fromMs, toMs] = [timeOf(String(from), timeZone), timeOf(String(to), timeZone)]
    if (!(fromMs < toMs)) {
      const example = '2026-12-24, 2026-12-24T18:00 or 2026-12-24T18:00:00+01:00'
      throw new Error(`entry ${index} needs a time "from" and a later one "to", such as ${example}`)
    }
    return { fromMs, toMs, reason: typeof reason === 'string' ? reason.slice(0, 200) : 'known exception' }
  })
}

const TIME = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/i

/** A text as ms since 1970; NaN when it is no time. */
function timeOf(text: string, timeZone: string): number {
  const found = TIME.exec(text)
  if (!found) return NaN
  if (found[1] !== undefined) return Date.parse(text)
  const wallMs = Date.parse(text.length === 10 ? text : `${text}Z`)
  const minuteMs = Math.floor(wallMs / 60_000) * 60_000
  return Number.isNaN(wallMs) ? NaN : instantOf(minuteMs, timeZone) + wallMs - minuteMs
}

/** The first entry that contains a moment, ms since 1970; undefined when there is none. O(n). */
export function calendarEntryAt(
  calendar: readonly CalendarEntry[],
  timeMs: number,
): CalendarEntry | undefined {
  return calendar.find(({ fromMs, toMs }) => timeMs >= fromMs && timeMs < toMs)
}
