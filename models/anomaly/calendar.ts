/** A time that is no ordinary one, and no incident either: a holiday, maintenance. Its end is not part of it. */
export interface CalendarEntry {
  readonly fromMs: number
  readonly toMs: number
  readonly reason: string
}

const MOST_ENTRIES = 10_000

/**
 * Reads a list of `{ from, to, reason? }` with ISO-8601 times.
 * @throws Error naming the entry that is wrong
 */
export function parseCalendar(value: unknown): CalendarEntry[] {
  if (!Array.isArray(value) || value.length > MOST_ENTRIES) {
    throw new Error(`a list of at most ${MOST_ENTRIES} entries is needed`)
  }
  return value.map((entry, index) => {
    const { from, to, reason } = (entry ?? {}) as Record<string, unknown>
    const [fromMs, toMs] = [Date.parse(String(from)), Date.parse(String(to))]
    if (!(fromMs < toMs)) throw new Error(`entry ${index} needs a time "from" and a later one "to"`)
    return { fromMs, toMs, reason: typeof reason === 'string' ? reason.slice(0, 200) : 'known exception' }
  })
}

/** The entry that a moment lies in. */
export function calendarEntryAt(
  calendar: readonly CalendarEntry[],
  timeMs: number,
): CalendarEntry | undefined {
  return calendar.find(({ fromMs, toMs }) => timeMs >= fromMs && timeMs < toMs)
}
