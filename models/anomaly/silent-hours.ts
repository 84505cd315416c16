import type { LocalTime } from '../seasonality/local-time.js'
import { HOUR_MS } from '../traffic/durations.js'
import { N_FEATURES } from './features.js'
import type { RegularHistory } from './regular-history.js'

const DAY_HOURS = 24
export const WEEK_HOURS = 7 * DAY_HOURS

/** An hour is silent when less than this share of its rows had requests. */
export const MIN_BUSY_SHARE = 0.5

/** So many silent hours in a row may be those of a part of the week, such as a weekend. Fewer must be of every day. */
export const MIN_SILENT_RUN = 20

/** With fewer expected requests in a row, silence is no drop anyway. */
export const MIN_EXPECTED = 1

/**
 * The hours of the week in which a history is silent, although requests are expected: its rows have no requests, or it has
 * no rows at all, on every day that it has of them. What is usual then is not known from a gap alone, and a short history
 * knows no rhythm of the day. So silence in these hours is no drop. O(n).
 *
 * @param localTime of the clocks that the hours are of
 * @param expectedAt requests that are expected of a row at a minute of the week
 * @returns `[168]`, 1 for silent ones, from Monday 00:00 on; null when no hour is silent, all are, or rows are longer than
 *   an hour
 */
export function silentHours(
  { samples, timesMs, intervalSeconds }: RegularHistory,
  localTime: LocalTime,
  expectedAt: (minuteOfWeek: number) => number,
): Uint8Array | null {
  if (intervalSeconds * 1000 > HOUR_MS) return null
  const hourAt = (timeMs: number) => {
    const { day, minuteOfWeek } = localTime(timeMs)
    return day * DAY_HOURS + (Math.floor(minuteOfWeek / 60) % DAY_HOURS)
  }
  // The first and the last hour may not be whole.
  const first = hourAt(timesMs[0]!) + 1
  const busy = new Float64Array(Math.max(0, hourAt(timesMs.at(-1)!) - first))
  timesMs.forEach((timeMs, row) => {
    if (samples[row * N_FEATURES]! > 0) busy[hourAt(timeMs) - first]!++
  })
  const isSilent = Array.from(busy, (rows) => rows * intervalSeconds < MIN_BUSY_SHARE * 3600)
  const ofDay = everyTime(isSilent, (hour) => (first + hour) % DAY_HOURS, DAY_HOURS)
  const inRuns = longRuns(isSilent)
  const ofWeek = everyTime(inRuns, (hour) => weekHourOf(first + hour), WEEK_HOURS)
  const silent = Uint8Array.from(ofWeek, (each, hour) => {
    const isSurprising = expectedAt(60 * hour + 30) >= MIN_EXPECTED
    return Number((each || ofDay[hour % DAY_HOURS]) && isSurprising)
  })
  return silent.some((each) => each === 1) && silent.some((each) => each === 0) ? silent : null
}

/** Whether silence is usual at a minute of the week. @param silent see {@link silentHours} */
export function isSilentAt(silent: Uint8Array | null, minuteOfWeek: number): boolean {
  return silent?.[Math.floor(minuteOfWeek / 60)] === 1
}

/** The hour of the week of an hour since 1970, which began on a Thursday. */
function weekHourOf(hour: number): number {
  return (hour + 3 * DAY_HOURS) % WEEK_HOURS
}

/** For each group, whether all of its hours are silent, at least one. */
function everyTime(
  isSilent: readonly boolean[],
  groupOf: (hour: number) => number,
  nGroups: number,
): boolean[] {
  const all = new Array<boolean | undefined>(nGroups).fill(undefined)
  isSilent.forEach((each, hour) => (all[groupOf(hour)] = each && all[groupOf(hour)] !== false))
  return all.map((each) => each === true)
}

/** Silent hours without those of short runs. */
function longRuns(isSilent: readonly boolean[]): boolean[] {
  const kept = new Array<boolean>(isSilent.length).fill(false)
  for (let start = 0; start < isSilent.length; start++) {
    let end = start
    while (end < isSilent.length && isSilent[end]) end++
    if (end - start >= MIN_SILENT_RUN) kept.fill(true, start, end)
    start = end
  }
  return kept
}
