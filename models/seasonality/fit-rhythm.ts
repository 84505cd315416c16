import { fitDailyLevel, levelAt, type DailyLevel } from './daily-level.js'
import { MIN_DAYS, RHYTHMS, type Rhythm } from './rhythm.js'
import {
  fitSeason,
  NO_SEASON,
  seasonAt,
  smoothSeasonAt,
  withSharpMinutes,
  type Moments,
  type Season,
} from './season.js'
import { withWeeklyWindows } from './weekly-windows.js'

/** The usual value at each moment, on the scale of the fit: season plus level. */
export interface Usual {
  readonly season: Season
  readonly level: DailyLevel
}

/** Rounds of backfitting: the level is fitted without the season, and the season without the level. */
export const ROUNDS = 3
const HELD_BACK_ROUNDS = 2

/** Parts of the days for cross-validation. It is prime to seven, so that no part has all Mondays. */
export const FOLDS = 3

/** The error of a finer rhythm must be below this share of the coarser one's. */
export const WORTH = 0.98

/** A residual counts at most this many times the median, so that incidents do not choose the rhythm. */
export const CLIP = 5

/** The choice uses at most this many of the last days, and of them this many minutes. */
export const MAX_DAYS = 56
export const MAX_SAMPLES = 8_000

/** The usual value at a moment: a local day and a minute of the week, 0…10,079. */
export function usualAt({ season, level }: Usual, day: number, minuteOfWeek: number): number {
  return levelAt(level, day, minuteOfWeek % 1440) + seasonAt(season, minuteOfWeek)
}

/** The usual value around a moment, without terms for single minutes. */
export function smoothUsualAt({ season, level }: Usual, day: number, minuteOfWeek: number): number {
  return levelAt(level, day, minuteOfWeek % 1440) + smoothSeasonAt(season, minuteOfWeek)
}

/**
 * Fits the usual value at each moment by backfitting with medians: level of the day plus season. The rhythm is chosen by
 * cross-validation over three parts of the days. A finer rhythm must be better by 2 %, and needs two of its cycles.
 *
 * @param moments in order of time; NaN values are left out
 */
export function fitRhythm(moments: Moments): Usual {
  const { rhythm, byMinuteOfHour } = chooseRhythm(moments)
  return fitUsual(moments, rhythm, byMinuteOfHour, ROUNDS)
}

/** Fits the same rhythm again, to some of the samples, and adds terms for weekly windows and single minutes. */
export function refitRhythm(usual: Usual, moments: Moments, isUsed: (index: number) => boolean): Usual {
  const { rhythm, minuteOfHour } = usual.season
  const { season, level } = fitUsual(moments, rhythm, minuteOfHour !== null, ROUNDS, isUsed)
  const left = { ...moments, values: withoutLevel(moments, level) }
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
    const left = { ...moments, values: withoutLevel(moments, level) }
    season = fitSeason(left, rhythm, byMinuteOfHour, isUsed)
    const withoutSeason = values.map((value, i) => value - seasonAt(season, minutesOfWeek[i]!))
    level = fitDailyLevel(withoutSeason, days, isUsed)
  }
  return { season, level }
}

function withoutLevel({ values, days, minutesOfWeek }: Moments, level: DailyLevel): Float64Array {
  return values.map((value, i) => value - levelAt(level, days[i]!, minutesOfWeek[i]! % 1440))
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
  // An hour is a cycle of its own, so three hours are enough.
  if (all.values.length * (all.rowMinutes ?? 1) >= 3 * 60) consider(best.rhythm, true)
  return best
}

/** Mean absolute error on days that were held back; with less than two days, on hours. */
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

/** Days with samples, counted by the hours of the calendar that have one: half a day is half. */
export function daysOf({ values, days, minutesOfWeek, rowMinutes = 1 }: Moments): number {
  let known = 0
  const hours = new Set<number>()
  values.forEach((value, i) => {
    if (Number.isNaN(value)) return
    known++
    hours.add(days[i]! * 24 + Math.floor((minutesOfWeek[i]! % 1440) / 60))
  })
  // Rows that are longer than an hour begin in few hours.
  return Math.max(hours.size / 24, (known * rowMinutes) / 1440)
}

/** Samples of the last days, chosen by a hash of their index, since a stride would miss minutes of the hour. */
function thinned({ values, days, minutesOfWeek, rowMinutes }: Moments): Moments {
  const firstDay = (days.at(-1) ?? 0) - MAX_DAYS
  const recent = [...days.keys()].filter((i) => days[i]! > firstDay)
  const share = MAX_SAMPLES / recent.length
  const kept = recent.filter((i) => (Math.imul(i, 0x9e3779b1) >>> 0) / 2 ** 32 < share)
  return {
    rowMinutes,
    values: Float64Array.from(kept, (i) => values[i]!),
    days: Int32Array.from(kept, (i) => days[i]!),
    minutesOfWeek: Uint16Array.from(kept, (i) => minutesOfWeek[i]!),
  }
}
