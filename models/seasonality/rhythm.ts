/**
 * What the usual value depends on, besides the level of the day: nothing; the time of day; the time of day, separately
 * for working days and weekends; the time of the week.
 */
export const RHYTHMS = ['none', 'day', 'weekpart', 'week'] as const
export type Rhythm = (typeof RHYTHMS)[number]

const DAY_MINUTES = 1440
export const WEEK_MINUTES = 7 * DAY_MINUTES
const SATURDAY = 5 * DAY_MINUTES

/** Minutes of a slot. Within a slot the usual value is the same. */
export const SLOT_MINUTES: Readonly<Record<Rhythm, number>> = { none: 1440, day: 5, weekpart: 5, week: 15 }

const DAY_SLOTS = DAY_MINUTES / SLOT_MINUTES.day

/** Slots of a cycle. */
export const SLOTS: Readonly<Record<Rhythm, number>> = {
  none: 1,
  day: DAY_SLOTS,
  weekpart: 2 * DAY_SLOTS,
  week: WEEK_MINUTES / SLOT_MINUTES.week,
}

/** Minutes of a slot of the week that weekly windows are made of, and their slots. */
export const WINDOW_MINUTES = 5
export const WINDOW_SLOTS = WEEK_MINUTES / WINDOW_MINUTES

/** The slot of a weekly window, of so many in a week. */
export function windowSlotOf(minuteOfWeek: number, nSlots = WINDOW_SLOTS): number {
  return Math.floor((minuteOfWeek * nSlots) / WEEK_MINUTES)
}

/** The part of the week of a minute of the week: 0 for Monday to Friday, 1 for the weekend. */
export function partOf(minuteOfWeek: number): number {
  return minuteOfWeek < SATURDAY ? 0 : 1
}

/** The minute of the day of a minute of the week, for each part of the week: 0…2,879. */
export function minuteOfPart(minuteOfWeek: number): number {
  return partOf(minuteOfWeek) * DAY_MINUTES + (minuteOfWeek % DAY_MINUTES)
}

/** Days of history that a rhythm needs: two of its cycles, with gaps of up to a tenth. */
export const MIN_DAYS: Readonly<Record<Rhythm, number>> = { none: 0, day: 1.8, weekpart: 12.6, week: 12.6 }

/** The slot of a minute of the week, 0…10,079. */
export function slotOf(rhythm: Rhythm, minuteOfWeek: number): number {
  const minute = minuteOfWeek % DAY_MINUTES
  switch (rhythm) {
    case 'none':
      return 0
    case 'day':
      return Math.floor(minute / SLOT_MINUTES.day)
    case 'weekpart':
      return Math.floor(minute / SLOT_MINUTES.weekpart) + (minuteOfWeek >= SATURDAY ? DAY_SLOTS : 0)
    case 'week':
      return Math.floor(minuteOfWeek / SLOT_MINUTES.week)
  }
}
