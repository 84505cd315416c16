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
    .map(({ client, kind, limit, burst, reason }) => ({
      ...{ client, kind, reason, reviewAt },
      limit: Math.max(limit, general.limit),
      burst: Math.max(burst, general.burst),
    }))
}

/** With the room that a program has in its own limit: what just fits today does not tomorrow. */
function exceeds(program: ProgramNeeds, { limit, burst, longWindow, dayWindow }: GeneralLimit): boolean {
  return (
    program.limit > limit ||
    program.burst > burst ||
    (longWindow !== null && HEADROOM * program.busiestHour > longWindow.limit) ||
    (dayWindow !== null && HEADROOM * program.busiestDay > dayWindow.limit)
  )
}
