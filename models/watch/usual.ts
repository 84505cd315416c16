import type { Usual } from '../seasonality/fit-rhythm.js'
import { minuteOfPart, SLOTS, slotOf, WINDOW_SLOTS, windowSlotOf } from '../seasonality/rhythm.js'
import { NO_SEASON } from '../seasonality/season.js'
import { WEEK_MINUTES } from './clock.js'
import { scaleOf } from './log-rate.js'
import type { FittedRhythm } from './rhythm.js'

/** Terms of single windows and minutes that are smaller than this, a fiftieth, are 0: it keeps models small. */
const TINY = 0.02

/**
 * The usual value of an endpoint's feature as the stream's code reads it: level, slots of five minutes for each part of
 * the week, and terms for five minutes of the week and for minutes of the day where these differ.
 *
 * @param isTraffic whether the rhythm is one of logarithms of requests a minute. A sum of logarithms is none of
 *   log(λ + ½), so the terms are those at the recent level
 */
export function usualOf({ smooth, sharp, level }: FittedRhythm, isTraffic: boolean): Usual {
  const onScale = isTraffic ? scaleOf : (value: number) => value
  const at = (value: number) => onScale(level.recent + value)
  const ofSlots = meansBy(smooth, SLOTS.weekpart, (minute) => slotOf('weekpart', minute))
  const ofWindows = meansBy(smooth, WINDOW_SLOTS, (minute) => windowSlotOf(minute))
  const ofMinutes = meansBy(sharp, 2 * 1440, minuteOfPart)
  const slots = ofSlots.map((value) => Math.fround(at(value) - onScale(level.recent)))
  const slotOfWeek = ofWindows.map((value, window) => {
    const slot = slotOf('weekpart', (window * WEEK_MINUTES) / WINDOW_SLOTS)
    return rounded(at(value) - at(ofSlots[slot]!))
  })
  const minuteOfDay = ofMinutes.map((value, minute) => {
    const slot = slotOf('weekpart', (minute % 1440) + (minute < 1440 ? 0 : 5 * 1440))
    return value === 0 ? 0 : rounded(at(ofSlots[slot]! + value) - at(ofSlots[slot]!))
  })
  const ofLevel = (value: number) => Math.fround(onScale(value))
  return {
    season: {
      ...NO_SEASON,
      rhythm: 'weekpart',
      slots,
      minuteOfDay: orNull(minuteOfDay),
      slotOfWeek: orNull(slotOfWeek),
    },
    level: {
      firstDay: level.firstDay,
      levels: level.levels.map(ofLevel),
      recent: ofLevel(level.recent),
      slope: Math.fround(level.slope),
    },
  }
}

function rounded(term: number): number {
  return Math.abs(term) < TINY ? 0 : Math.fround(term)
}

function orNull(terms: Float64Array): Float64Array | null {
  return terms.some((term) => term !== 0) ? terms : null
}

function meansBy(values: Float64Array, nCells: number, cellOf: (minute: number) => number): Float64Array {
  const sums = new Float64Array(nCells)
  const counts = new Float64Array(nCells)
  values.forEach((value, minute) => {
    sums[cellOf(minute)]! += value
    counts[cellOf(minute)]!++
  })
  return sums.map((sum, cell) => sum / counts[cell]!)
}
