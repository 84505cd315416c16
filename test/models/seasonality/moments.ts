import type { Moments } from '../../../models/seasonality/season.js'
import { createRandom } from '../../../models/statistics/random.js'

export const DAY = 1440
export const WEEK = 7 * DAY

/** Every minute of so many days, the first a Monday, with the value that belongs to it. */
export function minuteByMinute(
  nDays: number,
  valueAt: (minuteOfWeek: number, day: number, index: number) => number,
): Moments {
  const length = Math.round(nDays * DAY)
  const days = Int32Array.from({ length }, (_, i) => Math.floor(i / DAY))
  const minutesOfWeek = Uint16Array.from({ length }, (_, i) => i % WEEK)
  return {
    values: Float64Array.from({ length }, (_, i) => valueAt(minutesOfWeek[i]!, days[i]!, i)),
    days,
    minutesOfWeek,
  }
}

/** The same with normal noise. */
export function withNoise(moments: Moments, sd: number, seed = 1): Moments {
  const random = createRandom(seed)
  return { ...moments, values: moments.values.map((value) => value + sd * random.normal()) }
}

/** One wave a day, crest at noon, from −1 to 1. */
export function wave(minuteOfWeek: number): number {
  return -Math.cos((2 * Math.PI * (minuteOfWeek % DAY)) / DAY)
}
