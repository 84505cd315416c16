import { CHANNELS } from '../../anomaly/kinds.js'
import { largerSizes, type ObservedEvent } from './observed-events.js'

/** Others that an event has to be like, in a history of up to two weeks. In a longer one they grow with its square root. */
export const MIN_ALIKE = 4
const WEEK = 7

/** Two events are alike within these ratios of their effects and of their lengths. */
export const ALIKE = { effect: 1.35, rows: 2, effectAtSameTime: 2 }

/** Or when they begin at about the same time of different days, so many times as often as by chance. */
export const SAME_TIME_MINUTES = 60
export const CHANCE = 3

/** Others of other days that an event has to be like in size and in time. Incidents seldom are. */
export const MIN_ALIKE_IN_BOTH = 2
export const CLOSE_MINUTES = 45

/** More events a week than this are no incidents, whatever their sizes: at least twenty in two weeks, fewer in a longer history. */
export const MAX_INCIDENTS_A_WEEK = 2
export const MIN_FREQUENT = { inTwoWeeks: 20, inLonger: 12 }
/** The largest of them may be: so many a week. */
export const LARGEST_A_WEEK = 1

/** Events up to so many times as large as these belong to their tail. */
export const TAIL = 1.4

/** Reports that are added to lengths before they are compared: one report and three are about as short. */
const ADDED_ROWS = 2

/**
 * The events that are usual for a gateway: those that are like at least four others, in size or in their time of the day,
 * or like two in both; and nearly all of them, if they are too many for incidents. Those that are not much larger than
 * these belong to them. The rest may be incidents, which seldom repeat themselves. O(n²).
 *
 * @param events of one kind, in order of time
 * @param days of the history
 */
export function recurrentEvents(events: readonly ObservedEvent[], days: number): ObservedEvent[] {
  const longer = longerThanTwoWeeks(days)
  const least = MIN_ALIKE * longer
  const byChance = (minutes: number) => CHANCE * ((events.length * 2 * minutes) / 1440)
  const recurrent = events.filter((event) => {
    const others = events.filter((other) => other !== event)
    const inSize = others.filter((other) => isAlike(event, other)).length
    const sameTime = others.filter((other) => isAtSameTime(event, other))
    const inBoth = sameTime.filter(
      (other) => minutesApart(event, other) <= CLOSE_MINUTES && isAlike(event, other),
    )
    return (
      inSize >= least ||
      daysOf(sameTime) >= Math.max(least, byChance(SAME_TIME_MINUTES)) ||
      daysOf(inBoth) >= Math.max(MIN_ALIKE_IN_BOTH * longer, byChance(CLOSE_MINUTES))
    )
  })
  const usual = recurrent.length > MIN_ALIKE_IN_BOTH ? recurrent : []
  const bulk = isFrequent(events, days) ? withoutLargest(events, days) : []
  const all = events.filter((event) => usual.includes(event) || bulk.includes(event))
  return all.length > 0 ? withTail(all, events) : []
}

function daysOf(events: readonly ObservedEvent[]): number {
  return new Set(events.map(({ day }) => day)).size
}

/** Whether events of whatever sizes are too many for incidents: the values have a long tail. */
function isFrequent({ length }: readonly ObservedEvent[], days: number): boolean {
  const { inTwoWeeks, inLonger } = MIN_FREQUENT
  const least = Math.max(inLonger, inTwoWeeks / longerThanTwoWeeks(days))
  return length >= least && length > (MAX_INCIDENTS_A_WEEK * days) / WEEK
}

/** The square root of how many times as long a history is. */
function longerThanTwoWeeks(days: number): number {
  return Math.sqrt(Math.max(1, days / WEEK / 2))
}

function withoutLargest(events: readonly ObservedEvent[], days: number): readonly ObservedEvent[] {
  const bySize = [...events].sort((a, b) => a.effect - b.effect)
  return bySize.slice(0, -Math.ceil((LARGEST_A_WEEK * days) / WEEK))
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
  const isSameTime = a.day !== b.day && minutesApart(a, b) <= SAME_TIME_MINUTES
  return isSameTime && ratio(a.effect, b.effect) <= ALIKE.effectAtSameTime
}

/** Between their times of the day. */
function minutesApart(a: ObservedEvent, b: ObservedEvent): number {
  const apart = Math.abs(a.minuteOfDay - b.minuteOfDay)
  return Math.min(apart, 1440 - apart)
}
