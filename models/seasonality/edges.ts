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
 * slot; longer rows begin and end within a slot of theirs, and are left out.
 *
 * @param rowMinutes minutes of a row of the model
 */
export function edgesAt(season: Season, minuteOfWeek: number, rowMinutes = 1): Edges {
  const { rhythm, slots, minuteOfDay, slotOfWeek } = season
  const slotMinutes = SLOT_MINUTES[rhythm]
  const isStepped = rhythm !== 'none' && rowMinutes <= slotMinutes
  if (!isStepped && minuteOfDay === null && slotOfWeek === null) return NO_EDGES
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
  if (isStepped) widen((minute) => slots[slotOf(rhythm, minute)]!, slotMinutes, leastStep(slots))
  if (minuteOfDay) widen((minute) => jobAt(minuteOfDay, minute), Math.max(EDGE_MINUTES.job, row))
  if (slotOfWeek) widen((minute) => windowAt(slotOfWeek, minute), Math.max(EDGE_MINUTES.window, row))
  return edges
}

const leastSteps = new WeakMap<Float64Array, number>()

/** Larger differences of neighbouring slots are steps. Remembered, since every verdict asks. */
function leastStep(slots: Float64Array): number {
  let least = leastSteps.get(slots)
  if (least === undefined) {
    const steps = slots.map((value, slot) => Math.abs(value - slots[(slot + 1) % slots.length]!))
    least = STEP * quantileSorted(steps.sort(), STEP_RANK)
    leastSteps.set(slots, least)
  }
  return least
}
