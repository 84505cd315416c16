import { CHANNELS } from '../../anomaly/kinds.js'
import { largerSizes, type ObservedEvent } from './observed-events.js'

/** Others that an event has to be like, in a history of up to two weeks. In a longer one they are in proportion. */
export const MIN_ALIKE = 4
const TWO_WEEKS = 14

/** Two events are alike within these ratios of their effects and of their lengths. */
export const ALIKE = { effect: 1.35, rows: 2, effectAtSameTime: 2 }

/** Or when they begin at about the same time of different days, so many times as often as by chance. */
export const SAME_TIME_MINUTES = 60
export const CHANCE = 3

/** Events up to so many times as large as these belong to their tail. */
export const TAIL = 1.4

/** Reports that are added to lengths before they are compared: one report and three are about as short. */
const ADDED_ROWS = 2

/**
 * The events that are usual for a gateway: those that are like at least four others, in size or in their time of the day.
 * Those that are not much larger than these belong to them. The rest may be incidents, which seldom repeat themselves.
 * O(n²).
 *
 * @param events of one kind, in order of time
 * @param days of the history
 */
export function recurrentEvents(events: readonly ObservedEvent[], days: number): ObservedEvent[] {
  const least = MIN_ALIKE * Math.max(1, days / TWO_WEEKS)
  const byChance = (events.length * 2 * SAME_TIME_MINUTES) / 1440
  const recurrent = events.filter((event) => {
    const others = events.filter((other) => other !== event)
    const inSize = others.filter((other) => isAlike(event, other)).length
    const inTime = new Set(others.filter((other) => isAtSameTime(event, other)).map(({ day }) => day)).size
    return inSize >= least || inTime >= Math.max(least, CHANCE * byChance)
  })
  return recurrent.length > least ? withTail(recurrent, events) : []
}

/** With the events that are not much larger than the largest recurrent ones in any respect. */
function withTail(recurrent: readonly ObservedEvent[], events: readonly ObservedEvent[]): ObservedEvent[] {
  const most = recurrent.map(({ sizes }) => sizes).reduce(largerSizes)
  const isNear = (size: number, largest: number) => size <= TAIL * Math.max(1, largest)
  return events.filter(
    ({ sizes: { gate, evidence } }) =>
      isNear(gate, most.gate) &&
      CHANNELS.every(
        (channel) =>
          isNear(evidence[channel].small, most.evidence[channel].small) &&
          isNear(evidence[channel].large, most.evidence[channel].large),
      ),
  )
}

function isAlike(a: ObservedEvent, b: ObservedEvent): boolean {
  const length = ({ rows }: ObservedEvent) => rows + ADDED_ROWS
  return ratio(a.effect, b.effect) <= ALIKE.effect && ratio(length(a), length(b)) <= ALIKE.rows
}

function ratio(a: number, b: number): number {
  return Math.max(a, b) / Math.max(Math.min(a, b), 1e-9)
}

function isAtSameTime(a: ObservedEvent, b: ObservedEvent): boolean {
  const apart = Math.abs(a.minuteOfDay - b.minuteOfDay)
  const isSameTime = a.day !== b.day && Math.min(apart, 1440 - apart) <= SAME_TIME_MINUTES
  return isSameTime && ratio(a.effect, b.effect) <= ALIKE.effectAtSameTime
}
