import { HOUR_MS, MINUTE_MS } from '../traffic/durations.js'

const DAY_MINUTES = 1440
const WEEK_MINUTES = 10_080

/** 1970 began on a Thursday, three days after a Monday. */
const EPOCH_WEEKDAY = 3

/** The most offsets that are remembered, one for each quarter of an hour. */
const MAX_REMEMBERED = 20_000

/** A moment as local clocks show it. */
export interface LocalMinute {
  /** Days since 1970-01-01, local. */
  readonly day: number
  /** 0 is Monday, 00:00; below 10,080. */
  readonly minuteOfWeek: number
}

export type LocalTime = (timeMs: number) => LocalMinute

const zones = new Map<string, LocalTime>()

/**
 * The clocks of a time zone (an IANA name such as `Europe/Berlin`), daylight saving included. A minute of the week is what
 * the clock on the wall shows. Offsets change only at whole quarters of an hour, and are remembered.
 *
 * @throws RangeError when the zone is unknown
 */
export function localTimeOf(timeZone: string): LocalTime {
  const known = zones.get(timeZone)
  if (known) return known
  const created = createLocalTime(timeZone)
  zones.set(timeZone, created)
  return created
}

/**
 * The moment at which the clocks of a time zone show a time, ms since 1970. For a time that is shown twice it is the
 * first; for a time that is skipped, it is as long after the change.
 *
 * @param wallMs the time shown, as if it were UTC; whole minutes
 * @throws RangeError when the zone is unknown
 */
export function instantOf(wallMs: number, timeZone: string): number {
  const localTime = localTimeOf(timeZone)
  const shownAt = (timeMs: number) => {
    const { day, minuteOfWeek } = localTime(timeMs)
    return (day * DAY_MINUTES + (minuteOfWeek % DAY_MINUTES)) * MINUTE_MS
  }
  const dayMs = DAY_MINUTES * MINUTE_MS
  // The offset is one of those of the day before and of the day after.
  const offsets = [wallMs - dayMs, wallMs + dayMs].map((timeMs) => shownAt(timeMs) - timeMs)
  const candidates = offsets.map((offset) => wallMs - offset)
  return candidates.find((timeMs) => shownAt(timeMs) === wallMs) ?? candidates[0]!
}

function createLocalTime(timeZone: string): LocalTime {
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  })
  const offsets = new Map<number, number>()
  const offsetMs = (timeMs: number): number => {
    if (timeZone === 'UTC') return 0
    const quarter = Math.floor(timeMs / (HOUR_MS / 4))
    const known = offsets.get(quarter)
    if (known !== undefined) return known
    if (offsets.size >= MAX_REMEMBERED) offsets.clear()
    const startMs = quarter * (HOUR_MS / 4)
    const found = wallClockMs(format, startMs) - startMs
    offsets.set(quarter, found)
    return found
  }
  return (timeMs) => {
    const minute = Math.floor((timeMs + offsetMs(timeMs)) / MINUTE_MS)
    const day = Math.floor(minute / DAY_MINUTES)
    return { day, minuteOfWeek: modulo(minute + EPOCH_WEEKDAY * DAY_MINUTES, WEEK_MINUTES) }
  }
}

function wallClockMs(format: Intl.DateTimeFormat, timeMs: number): number {
  const part = Object.fromEntries(
    format.formatToParts(timeMs).map(({ type, value }) => [type, Number(value)]),
  )
  const { year, month, day, hour, minute, second } = part as Record<string, number>
  return Date.UTC(year!, month! - 1, day, hour, minute, second)
}

function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor
}
