import { UsageError } from '../cli/errors.js'
import { DAY_MS, MINUTE_MS } from '../../models/traffic/durations.js'

export interface RangeFlags {
  readonly days?: number
  readonly start?: Date
  readonly end?: Date
}

/**
 * The half-open time range of the flags. No range includes the current minute, because it is not over.
 *
 * @throws UsageError when they contradict each other
 */
export function rangeOf({ days, start, end }: RangeFlags, now: Date): { from: Date; to: Date } {
  const present = Math.floor(now.getTime() / MINUTE_MS) * MINUTE_MS
  if (start === undefined) {
    if (end !== undefined) throw new UsageError('--end needs --start. Add --start.')
    return { from: new Date(present - (days ?? 7) * DAY_MS), to: new Date(present) }
  }
  if (days !== undefined) throw new UsageError('--days and --start exclude each other. Use one of them.')
  const given = end?.getTime() ?? present
  const to = new Date(Math.min(given, present))
  if (start >= to) {
    const end = given >= present ? 'the current minute' : 'the end of the range'
    throw new UsageError(`--start ${start.toISOString()} is not before ${end}, ${to.toISOString()}.`)
  }
  return { from: start, to }
}
