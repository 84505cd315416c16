import { fitDailyLevel, levelAt, type DailyLevel } from './daily-level.js'
import { MIN_DAYS, RHYTHMS, type Rhythm } from './rhythm.js'
import {
  fitSeason,
  NO_SEASON,
  seasonAt,
  smoothSeasonAt,
  withSharpMinutes,
  withWeeklyWindows,
  type Moments,
  type Season,
} from './season.js'

/** What is usual at each moment, on the scale of the fit. */
export interface Usual {
  readonly season: Season
  readonly level: DailyLevel
}

/** Rounds of fitting the level to what the season leaves, and the season to what the level leaves. */
export const ROUNDS = 3
const HELD_BACK_ROUNDS = 2

/** Days are held back in so many parts; prime to seven, so that no part has all Mondays. */
export const FOLDS = 3

/** A finer rhythm must predict better by this share. */
export const WORTH = 0.98

/** Residuals count up to so many times their median size: incidents in the history do not choose the rhythm. */
export const CLIP = 5

/** Samples that the choice looks at: so many days at the end, and of them so many minutes, spread evenly. */
export const MAX_DAYS = 56
export const MAX_SAMPLES = 8_000

/** What is usual at a moment. */
export function usualAt({ season, level }: Usual, day: number, minuteOfWeek: number): number {
  return levelAt(level, day) + seasonAt(season, minuteOfWeek)
}

/** What is usual about a moment, without what holds for a single minute. */
export function smoothUsualAt({ season, level }: Usual, day: number, minuteOfWeek: number): number {
  return levelAt(level, day) + smoothSeasonAt(season, minuteOfWeek)
}

/**
 * Learns what is usual at each moment from samples in order of time: level of the day plus season, by backfitting
 * with medians. The rhythm is the one that predicts days that were held back best (cross-validation over three parts
 * of the days), a finer one only when it is better by 2 %, and only from two of its cycles on.
 */
export function fitRhythm(moments: Moments): Usual {
  const { rhythm, byMinuteOfHour } = chooseRhythm(moments)
  return fitUsual(moments, rhythm, byMinuteOfHour, ROUNDS)
}

/** The same rhythm fitted again, to those samples alone that are used. */
export function refitRhythm(usual: Usual, moments: Moments, isUsed: (index: number) => boolean): Usual {
  const { rhythm, minuteOfHour } = usual.season
  const { season, level } = fitUsual(moments, rhythm, minuteOfHour !== null, ROUNDS, isUsed)
  const withoutLevel = moments.values.map((value, i) => value - levelAt(level, moments.days[i]!))
  const left = { ...moments, values: withoutLevel }
  return { season: withSharpMinutes(withWeeklyWindows(season, left), left, isUsed), level }
}

function fitUsual(
  moments: Moments,
  rhythm: Rhythm,
  byMinuteOfHour: boolean,
  rounds: number,
  isUsed?: (index: number) => boolean,
): Usual {
  const { values, days, minutesOfWeek } = moments
  let season = NO_SEASON
  let level = fitDailyLevel(values, days, isUsed)
  for (let round = 0; round < rounds && (rhythm !== 'none' || byMinuteOfHour); round++) {
    const withoutLevel = values.map((value, i) => value - levelAt(level, days[i]!))
    season = fitSeason({ ...moments, values: withoutLevel }, rhythm, byMinuteOfHour, isUsed)
    const withoutSeason = values.map((value, i) => value - seasonAt(season, minutesOfWeek[i]!))
    level = fitDailyLevel(withoutSeason, days, isUsed)
  }
  return { season, level }
}

function chooseRhythm(all: Moments): { rhythm: Rhythm; byMinuteOfHour: boolean } {
  const nDays = daysOf(all)
  const moments = thinned(all)
  let best = { rhythm: 'none' as Rhythm, byMinuteOfHour: false }
  let least = heldBackError(moments, best.rhythm, false)
  const consider = (rhythm: Rhythm, byMinuteOfHour: boolean) => {
    const error = heldBackError(moments, rhythm, byMinuteOfHour)
    if (!(error < WORTH * least)) return
    least = error
    best = { rhythm, byMinuteOfHour }
  }
  for (const rhythm of RHYTHMS) if (rhythm !== 'none' && nDays >= MIN_DAYS[rhythm]) consider(rhythm, false)
  // From a few hours on: an hour is its own cycle.
  if (all.values.length >= 3 * 60) consider(best.rhythm, true)
  return best
}

/** Mean absolute error of the prediction of days that were held back; of less than two days, of hours. */
function heldBackError(moments: Moments, rhythm: Rhythm, byMinuteOfHour: boolean): number {
  const { values, days, minutesOfWeek } = moments
  const partOf =
    daysOf(moments) < 2 ? (i: number) => Math.floor(minutesOfWeek[i]! / 60) : (i: number) => days[i]!
  const errors: number[] = []
  for (let fold = 0; fold < FOLDS; fold++) {
    const isHeldBack = (i: number) => partOf(i) % FOLDS === fold
    const usual = fitUsual(moments, rhythm, byMinuteOfHour, HELD_BACK_ROUNDS, (i) => !isHeldBack(i))
    values.forEach((value, i) => {
      if (!Number.isNaN(value) && isHeldBack(i)) {
        errors.push(Math.abs(value - usualAt(usual, days[i]!, minutesOfWeek[i]!)))
      }
    })
  }
  if (errors.length === 0) return 0
  const sorted = Float64Array.from(errors).sort()
  const most = CLIP * Math.max(sorted[Math.floor(sorted.length / 2)]!, 1e-9)
  return sorted.reduce((sum, error) => sum + Math.min(error, most), 0) / sorted.length
}

/** Days with samples, counted by their minutes: half a day is half. */
export function daysOf({ values }: Pick<Moments, 'values'>): number {
  let known = 0
  for (const value of values) if (!Number.isNaN(value)) known++
  return known / 1440
}

/** Samples of the last days, chosen by a hash of their place: any stride would miss minutes of the hour. */
function thinned({ values, days, minutesOfWeek }: Moments): Moments {
  const firstDay = (days.at(-1) ?? 0) - MAX_DAYS
  const recent = [...days.keys()].filter((i) => days[i]! > firstDay)
  const share = MAX_SAMPLES / recent.length
  const kept = recent.filter((i) => (Math.imul(i, 0x9e3779b1) >>> 0) / 2 ** 32 < share)
  return {
    values: Float64Array.from(kept, (i) => values[i]!),
    days: Int32Array.from(kept, (i) => days[i]!),
    minutesOfWeek: Uint16Array.from(kept, (i) => minutesOfWeek[i]!),
  }
}
