/**
 * What the usual value of a moment depends on besides the level of the day: nothing; the time of day; the time of
 * day, of working days and of weekends each; the time of the week.
 */
export const RHYTHMS = ['none', 'day', 'weekpart', 'week'] as const
export type Rhythm = (typeof RHYTHMS)[number]

const DAY_MINUTES = 1440
const SATURDAY = 5 * DAY_MINUTES

/** Minutes of a slot; within a slot the usual value is the same. */
export const SLOT_MINUTES: Readonly<Record<Rhythm, number>> = { none: 1440, day: 5, weekpart: 5, week: 15 }

const DAY_SLOTS = DAY_MINUTES / SLOT_MINUTES.day

export const SLOTS: Readonly<Record<Rhythm, number>> = {
  none: 1,
  day: DAY_SLOTS,
  weekpart: 2 * DAY_SLOTS,
  week: (7 * DAY_MINUTES) / SLOT_MINUTES.week,
}

/** Days of history from which on a rhythm is believed: two of its cycles, with gaps of up to a tenth. */
export const MIN_DAYS: Readonly<Record<Rhythm, number>> = { none: 0, day: 1.8, weekpart: 12.6, week: 12.6 }

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
