import type { Random } from '../../../models/statistics/random.js'
import { between, times } from '../draws.js'
import { DAY, WEEK } from './gateway.js'

/** Minutes that a kind draws events for: a history of two weeks, a judged week, and some to spare. */
const HORIZON = 4 * WEEK

type Range = readonly [number, number]

/** What usually happens on a gateway now and then, such as bursts of a client. */
export interface Events {
  readonly perDay: number
  /** How long one lasts; each ratio is equally likely. */
  readonly minutes: Range
  /** Its factor at its highest; each ratio is equally likely. */
  readonly factor: Range
  /** Whether one may begin in a minute; any, when left out. */
  readonly isPossible?: (minute: number) => boolean
  /** The share of the height after a share of its time; all of it, when left out. */
  readonly shape?: (share: number) => number
}

/** Fades from full height to nothing. */
export const fading = (share: number): number => 1 - share

/**
 * Draws events of a gateway whose history begins at `firstMinute`.
 * @returns the factor of a minute; 1 without an event
 */
export function drawEvents(random: Random, firstMinute: number, events: Events): (minute: number) => number {
  const { perDay, isPossible = () => true } = events
  const starts: number[] = []
  for (let minute = firstMinute; minute < firstMinute + HORIZON; minute++) {
    if (random.uniform() < perDay / DAY && isPossible(minute)) starts.push(minute)
  }
  return eventsAt(random, firstMinute, starts, events)
}

/** The same for events that begin at given minutes. */
export function eventsAt(
  random: Random,
  firstMinute: number,
  starts: readonly number[],
  { minutes, factor, shape = () => 1 }: Omit<Events, 'perDay' | 'isPossible'>,
): (minute: number) => number {
  const factors = new Float64Array(HORIZON).fill(1)
  for (const start of starts) {
    const length = Math.round(times(random, ...minutes))
    const height = Math.log(times(random, ...factor))
    for (let k = 0; k < length; k++) {
      const index = start - firstMinute + k
      if (index >= 0 && index < HORIZON) factors[index]! *= Math.exp(height * shape((k + 0.5) / length))
    }
  }
  return (minute) => factors[minute - firstMinute] ?? 1
}

/** Minutes about a period apart, each shifted by up to some minutes. */
export function periodically(random: Random, firstMinute: number, period: number, jitter: number): number[] {
  const first = firstMinute + random.integer(Math.ceil(period))
  return Array.from({ length: Math.floor(HORIZON / period) }, (_, i) =>
    Math.round(first + i * period + between(random, -jitter, jitter)),
  )
}
