const MS_PER_DAY = 86_400_000
const BUSIEST_HOUR = 15
const SWING = 0.35
const WEEKEND = 0.75

/**
 * The usual traffic at a moment of the week, as a share of the base: a wave over the day with its crest at
 * 15:00 UTC, from 0.65 to 1.35, and three quarters of it on Saturday and Sunday (UTC).
 *
 * @param timestampMs milliseconds since 1970
 * @returns a factor above 0
 */
export function weeklyLoad(timestampMs: number): number {
  const day = Math.floor(timestampMs / MS_PER_DAY)
  const hour = (timestampMs / MS_PER_DAY - day) * 24
  const weekday = (((day + 4) % 7) + 7) % 7 // 1970 began on a Thursday; 0 is Sunday
  const wave = 1 + SWING * Math.cos((2 * Math.PI * (hour - BUSIEST_HOUR)) / 24)
  return weekday === 0 || weekday === 6 ? wave * WEEKEND : wave
}
