import { quantileSorted } from '../statistics/quantile.js'
import { SLOT_MINUTES, slotOf, WEEK_MINUTES } from './rhythm.js'
import { jobAt, STEP, STEP_RANK, windowAt, type Season } from './season.js'

/** Minutes by which a job or a weekly window may begin or end earlier or later than it usually does. */
export const EDGE_MINUTES = { job: 1, window: 5 }

/** What may be expected besides the season of a moment, around 0. */
export interface Edges {
  readonly low: number
  readonly high: number
}

const NO_EDGES: Edges = { low: 0, high: 0 }

/**
 * What the terms that hold just before or after a minute of the week would add to it: the least and the most. Jobs and
 * windows begin and end a little earlier or later, by a row at least. So do steps of the rhythm, such as an opening, by a
 * slot; longer rows begin and end within a slot of theirs, and are left out. Nor is it an incident when a job does not run
 * at its minute: the value without its term may be expected too.
 *
 * @param rowMinutes minutes of a row of the model
 */
export function edgesAt(season: Season, minuteOfWeek: number, rowMinutes = 1): Edges {
  const { rhythm, slots, minuteOfHour, minuteOfDay, slotOfWeek } = season
  const slotMinutes = SLOT_MINUTES[rhythm]
  const isStepped = rhythm !== 'none' && rowMinutes <= slotMinutes
  if (!isStepped && minuteOfHour === null && minuteOfDay === null && slotOfWeek === null) return NO_EDGES
  const edges = { low: 0, high: 0 }
  const widen = (termAt: (minute: number) => number, reach: number, least = 0) => {
    const now = termAt(minuteOfWeek)
    const step = (minute: number) => {
      const away = termAt(minute % WEEK_MINUTES) - now
      return Math.abs(away) > least ? away : 0
    }
    const before = step(minuteOfWeek - reach + WEEK_MINUTES)
    const after = step(minuteOfWeek + reach)
    edges.low += Math.min(0, before, after)
    edges.high += Math.max(0, before, after)
  }
  const row = Math.ceil(rowMinutes)
  const job = minuteOfHour ? jobOf(minuteOfHour, minuteOfWeek % 60) : 0
  edges.low -= Math.max(0, job)
  edges.high -= Math.min(0, job)
  if (isStepped) widen((minute) => slots[slotOf(rhythm, minute)]!, slotMinutes, leastStep(slots))
  if (minuteOfDay) widen((minute) => jobAt(minuteOfDay, minute), Math.max(EDGE_MINUTES.job, row))
  if (slotOfWeek) widen((minute) => windowAt(slotOfWeek, minute), Math.max(EDGE_MINUTES.window, row))
  return edges
}

/** Larger differences of neighbouring slots are steps. */
function leastStep(slots: Float64Array): number {
  return remembered(slots, () => slots.map((value, slot) => value - slots[(slot + 1) % slots.length]!))
}

/** What a job adds to a minute of the hour. Smaller terms are the shape of the hour, and no job. */
function jobOf(minuteOfHour: Float64Array, minute: number): number {
  const term = minuteOfHour[minute]!
  return Math.abs(term) > remembered(minuteOfHour, () => minuteOfHour) ? term : 0
}

const leastOf = new WeakMap<Float64Array, number>()

/** What is larger than most of the sizes. Remembered for a term, since every verdict asks. */
function remembered(term: Float64Array, values: () => Float64Array): number {
  let least = leastOf.get(term)
  if (least === undefined) {
    least = STEP * quantileSorted(values().map(Math.abs).sort(), STEP_RANK)
    leastOf.set(term, least)
  }
  return least
}
