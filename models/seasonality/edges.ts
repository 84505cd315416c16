import { SLOT_MINUTES, slotOf } from './rhythm.js'
import { jobAt, windowAt, type Season } from './season.js'

/** Minutes by which a job or a weekly window may begin or end earlier or later than it usually does. */
export const EDGE_MINUTES = { job: 1, window: 5 }

/** What may be expected besides the season of a moment, around 0. */
export interface Edges {
  readonly low: number
  readonly high: number
}

const NO_EDGES: Edges = { low: 0, high: 0 }
const WEEK_MINUTES = 10_080

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
  const widen = (termAt: (minute: number) => number, reach: number) => {
    const now = termAt(minuteOfWeek)
    const before = termAt((minuteOfWeek - reach + WEEK_MINUTES) % WEEK_MINUTES) - now
    const after = termAt((minuteOfWeek + reach) % WEEK_MINUTES) - now
    edges.low += Math.min(0, before, after)
    edges.high += Math.max(0, before, after)
  }
  const row = Math.ceil(rowMinutes)
  if (isStepped) widen((minute) => slots[slotOf(rhythm, minute)]!, slotMinutes)
  if (minuteOfDay) widen((minute) => jobAt(minuteOfDay, minute), Math.max(EDGE_MINUTES.job, row))
  if (slotOfWeek) widen((minute) => windowAt(slotOfWeek, minute), Math.max(EDGE_MINUTES.window, row))
  return edges
}
