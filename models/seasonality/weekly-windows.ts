import { grouped } from '../statistics/grouped.js'
import { quantileSorted } from '../statistics/quantile.js'
import { SLOTS, WEEK_MINUTES, WINDOW_MINUTES, WINDOW_SLOTS, windowSlotOf } from './rhythm.js'
import { leftBy, medianSize, type Moments, type Season } from './season.js'

/** The fewest minutes of a slot in one week that have samples. */
export const MIN_WINDOW_MINUTES = 3

/** The slots of a window lie this many times the spread of all slots' medians away. */
export const WINDOW = 4

/** Windows are this many times as many slots as chance would make. */
export const CHANCE = 8

/**
 * Adds terms for times of the week, five minutes each. A backup on Sundays at three is one of 168 hours, too little for a
 * rhythm of the whole week, and a rhythm of the whole week is too coarse for its beginning and end. A slot counts when its
 * median is far off to the same side in every week with enough samples, at least two. The smallest of them counts, since
 * one may have had an incident. When about as many slots would be far off in every week by chance, as with bursts at any
 * time, none counts. Nor does one at a time of the day at which more weekdays have it in some weeks alone.
 */
export function withWeeklyWindows(season: Season, moments: Moments): Season {
  const { days, minutesOfWeek, rowMinutes = 1 } = moments
  // Rows that are longer than the slots have quarters of an hour.
  const nSlots = rowMinutes > WINDOW_MINUTES ? SLOTS.week : WINDOW_SLOTS
  if (season.rhythm === 'week' && nSlots === SLOTS.week) return season
  const left = leftBy(season, moments)
  const firstWeek = weekOf(days[0]!)
  const nWeeks = weekOf(days.at(-1)!) - firstWeek + 1
  const groups = grouped(
    left,
    nWeeks * nSlots,
    (i) => (weekOf(days[i]!) - firstWeek) * nSlots + windowSlotOf(minutesOfWeek[i]!, nSlots),
  )
  const medians = groups.map((group) =>
    group.length * rowMinutes < MIN_WINDOW_MINUTES ? NaN : quantileSorted(group, 0.5),
  )
  const [spread, single] = [medianSize(medians), medianSize(left)].map((size) => 1.4826 * size)
  const least = Math.max(WINDOW * spread!, single!)
  const byChance = Array.from({ length: nWeeks }, (_, week) => {
    const known = [...medians.slice(week * nSlots, (week + 1) * nSlots)].filter((m) => !Number.isNaN(m))
    return known.length === 0 ? 1 : known.filter((m) => Math.abs(m) > least).length / known.length
  }).reduce((share, far) => share * far, WEEK_MINUTES / Math.max(WEEK_MINUTES / nSlots, rowMinutes))
  const weeks = Array.from({ length: nSlots }, (_, slot) =>
    Array.from({ length: nWeeks }, (_, week) => medians[week * nSlots + slot]!).filter(
      (median) => !Number.isNaN(median),
    ),
  )
  const isSteady = steadyTimes(weeks, least)
  const slotOfWeek = Float64Array.from(weeks, (known, slot) => {
    if (!isSteady(slot) || !isInEveryWeek(known, least)) return 0
    return known[0]! > 0 ? Math.min(...known) : Math.max(...known)
  })
  const found = slotOfWeek.filter((value) => value !== 0).length
  return found > CHANCE * byChance ? { ...season, slotOfWeek } : season
}

/** Whether the medians of the weeks are all far off to the same side; at least two. */
function isInEveryWeek(weeks: readonly number[], least: number): boolean {
  return weeks.length >= 2 && (Math.min(...weeks) > least || Math.max(...weeks) < -least)
}

/**
 * Whether what happens at the time of the day of a slot keeps to its weekday. A batch that begins at another time every
 * night is there in both weeks on some weekday by chance, and in one of the weeks on more of them.
 *
 * @param weeks the medians of each slot of the week
 */
function steadyTimes(weeks: readonly (readonly number[])[], least: number): (slot: number) => boolean {
  const perDay = weeks.length / 7
  const balance = new Int8Array(perDay)
  weeks.forEach((known, slot) => {
    const far = known.filter((median) => Math.abs(median) > least).length
    if (isInEveryWeek(known, least)) balance[slot % perDay]!++
    else if (known.length >= 2 && far >= Math.max(1, known.length / 4)) balance[slot % perDay]!--
  })
  return (slot) => balance[slot % perDay]! >= 0
}

/** Weeks since 1970; a week begins on Monday. */
function weekOf(day: number): number {
  return Math.floor((day + 3) / 7)
}
