import type { ObservedEvent } from './observed-events.js'

/** Others that an event has to be like, in a history of up to two weeks. In a longer one they are in proportion. */
export const MIN_ALIKE = 4
const TWO_WEEKS = 14

/** Two events are alike within these ratios of their effects and of their lengths. */
export const ALIKE = { effect: 1.35, minutes: 2 }

/** Or when they begin at about the same time of different days. */
export const SAME_TIME_MINUTES = 60

/** Minutes that are added to lengths before they are compared: one minute and three are about as short. */
const ADDED_MINUTES = 2

/**
 * The events that are usual for a gateway: those that are like at least four others, in size or in their time of the day.
 * The rest may be incidents, which seldom repeat themselves. O(n²).
 *
 * @param events of one kind, in order of time
 * @param days of the history
 */
export function recurrentEvents(events: readonly ObservedEvent[], days: number): ObservedEvent[] {
  const least = MIN_ALIKE * Math.max(1, days / TWO_WEEKS)
  return events.filter((event) => {
    const others = events.filter((other) => other !== event)
    const inSize = others.filter((other) => isAlike(event, other)).length
    const inTime = new Set(others.filter((other) => isAtSameTime(event, other)).map(({ day }) => day)).size
    return inSize >= least || inTime >= least
  })
}

function isAlike(a: ObservedEvent, b: ObservedEvent): boolean {
  const length = ({ minutes }: ObservedEvent) => minutes + ADDED_MINUTES
  return ratio(a.effect, b.effect) <= ALIKE.effect && ratio(length(a), length(b)) <= ALIKE.minutes
}

function ratio(a: number, b: number): number {
  return Math.max(a, b) / Math.max(Math.min(a, b), 1e-9)
}

function isAtSameTime(a: ObservedEvent, b: ObservedEvent): boolean {
  const apart = Math.abs(a.minuteOfDay - b.minuteOfDay)
  return a.day !== b.day && Math.min(apart, 1440 - apart) <= SAME_TIME_MINUTES
}
