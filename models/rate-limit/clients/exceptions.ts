import type { RateLimitException } from '../exception.js'
import type { LongWindow } from '../recommendation.js'
import { DAY_MS } from '../../traffic/durations.js'
import { HEADROOM, type ProgramNeeds } from './programs.js'

/** A program by name. */
export interface Program extends ProgramNeeds {
  readonly client: string
  readonly kind: RateLimitException['kind']
}

interface GeneralLimit {
  readonly limit: number
  readonly burst: number
  readonly longWindow: LongWindow | null
  readonly dayWindow: LongWindow | null
}

/** A person looks at an exception again after so many days. */
const REVIEW_AFTER_MS = 30 * DAY_MS

/**
 * The programs that the limit of the others would cut off, with limits of their own: never below that of the others.
 * An exception has no long window.
 *
 * @param untilMs when the history ends, milliseconds since 1970
 */
export function exceptionsFor(
  general: GeneralLimit,
  programs: readonly Program[],
  untilMs: number,
): RateLimitException[] {
  const reviewAt = new Date(untilMs + REVIEW_AFTER_MS).toISOString()
  return programs
    .filter((program) => exceeds(program, general))
    .map((program) => ({
      ...{ client: program.client, kind: program.kind, reviewAt },
      reason: [program.reason, ...longerNeeds(program, general)].join(' '),
      limit: Math.max(program.limit, general.limit),
      burst: Math.max(program.burst, general.burst),
    }))
}

/** With the room that a program has in its own limit: what just fits today does not tomorrow. */
function exceeds(program: ProgramNeeds, general: GeneralLimit): boolean {
  return (
    program.limit > general.limit ||
    program.burst > general.burst ||
    needsHour(program, general) ||
    needsDay(program, general)
  )
}

function needsHour({ busiestHour }: ProgramNeeds, { longWindow }: GeneralLimit): boolean {
  return longWindow !== null && HEADROOM * busiestHour > longWindow.limit
}

function needsDay({ busiestDay }: ProgramNeeds, { dayWindow }: GeneralLimit): boolean {
  return dayWindow !== null && HEADROOM * busiestDay > dayWindow.limit
}

/** An exception whose limit and burst are the general ones says what it is for. */
function longerNeeds(program: ProgramNeeds, general: GeneralLimit): string[] {
  const needs = [
    ...(needsHour(program, general) ? [`${Math.round(program.busiestHour)} requests an hour`] : []),
    ...(needsDay(program, general) ? [`${Math.round(program.busiestDay)} requests a day`] : []),
  ]
  if (needs.length === 0) return []
  return [
    `It has up to ${needs.join(' and ')}: too close to the limit over that time, which the exception does not have.`,
  ]
}
