import type { Random } from '../../../models/statistics/random.js'
import type { LatencyMix } from '../latency-shape.js'

/** What is true of a gateway in a minute, before drift, incidents and nuisances. */
export interface Truth {
  readonly requestsPerMinute: number
  readonly medianMs: number
  readonly errorShare: number
}

export interface Gateway {
  readonly mix: LatencyMix
  /** Coefficient of variation of a minute's traffic beyond Poisson's; 0 for none. */
  readonly dispersion: number
  /** The history has no rows without requests, as that of a request log. */
  readonly omitsEmptyRows?: boolean
  /** @param minute since a Monday, 00:00 */
  readonly truth: (minute: number) => Truth
}

/** Draws a gateway of one kind. @param firstMinute since a Monday, 00:00, at which its history begins */
export type DrawGateway = (random: Random, firstMinute: number) => Gateway

export const DAY = 1440
export const WEEK = 7 * DAY

export function hourOf(minute: number): number {
  return (minute % DAY) / 60
}

/** Monday and Tuesday after a weekend, 0 and 1, … Sunday 6. */
function weekdayOf(minute: number): number {
  return Math.floor(minute / DAY) % 7
}

export function isWeekend(minute: number): boolean {
  return weekdayOf(minute) >= 5
}

/** Hours on either side of midnight in which one day's ways pass into the next one's. */
const NIGHT_HOURS = 3

/** A factor of each weekday (0 is Monday), passing smoothly into the next one's around midnight. */
export function byWeekday(minute: number, factor: (weekday: number) => number): number {
  const hour = hourOf(minute)
  const today = weekdayOf(minute)
  const isMorning = hour < 12
  const neighbour = factor((today + (isMorning ? 6 : 1)) % 7)
  const toMidnight = (isMorning ? hour : 24 - hour) / NIGHT_HOURS
  const weight = 0.5 + 0.5 * Math.min(1, toMidnight)
  return weight * factor(today) + (1 - weight) * neighbour
}

/** From 0 to 1 about an hour, the steeper the shorter the width in hours. */
export function rise(hour: number, at: number, width: number): number {
  return 1 / (1 + Math.exp(-(hour - at) / width))
}

/** A hump about an hour of the day, around midnight too. */
export function hump(hour: number, at: number, width: number): number {
  const away = Math.abs(hour - at)
  return Math.exp(-0.5 * (Math.min(away, 24 - away) / width) ** 2)
}
