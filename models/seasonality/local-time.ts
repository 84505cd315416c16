import { HOUR_MS, MINUTE_MS } from '../traffic/durations.js'

const DAY_MINUTES = 1440
const WEEK_MINUTES = 10_080

/** 1970 began on a Thursday: so many days after a Monday. */
const EPOCH_WEEKDAY = 3

/** Offsets that are remembered, an hour each. */
const MAX_REMEMBERED = 20_000

/** A moment as the clocks of a place show it. */
export interface LocalMinute {
  /** Days since 1970-01-01, local. */
  readonly day: number
  /** 0 is Monday, 00:00; below 10,080. */
  readonly minuteOfWeek: number
}

export type LocalTime = (timeMs: number) => LocalMinute

const zones = new Map<string, LocalTime>()

/**
 * The clocks of a time zone, daylight saving included (IANA names, as `Europe/Berlin`): when they are put forward or
 * back, a minute of the week is that of the clock on the wall. Offsets change on whole quarters of an hour only; they
 * are remembered.
 *
 * @throws RangeError when the zone is not known
 */
export function localTimeOf(timeZone: string): LocalTime {
  const known = zones.get(timeZone)
  if (known) return known
  const created = createLocalTime(timeZone)
  zones.set(timeZone, created)
  return created
}

/**
 * When the clocks of a time zone show a time, ms since 1970. Of a time that is shown twice the first, of one that is
 * skipped that which is as long after the change.
 *
 * @param wallMs the time that they show, as if it were UTC; whole minutes
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
