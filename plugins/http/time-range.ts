import { invalidField } from './errors.js'
import { parseTime } from './validation.js'
import { DAY_MS, MINUTE_MS } from '../../models/traffic/durations.js'

/** Either the last days, or a range of ISO-8601 times. */
export interface RangeRequest {
  readonly days?: number | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
}

const DEFAULT_DAYS = 7

const wholeMinute = (ms: number) => Math.floor(ms / MINUTE_MS) * MINUTE_MS

/**
 * The requested range: half-open, in whole minutes. It ends before the present minute, which is not over.
 * @throws ServiceError INVALID_REQUEST when the fields contradict each other
 */
export function timeRange({ days, from, to }: RangeRequest, now: Date): { from: Date; to: Date } {
  const present = wholeMinute(now.getTime())
  if (from === undefined) {
    if (to !== undefined) throw invalidField('from', 'is required with to')
    return { from: new Date(present - (days ?? DEFAULT_DAYS) * DAY_MS), to: new Date(present) }
  }
  if (days !== undefined) throw invalidField('days', 'cannot be given together with from')
  const start = wholeMinute(parseTime(from)!)
  const end = to === undefined ? present : Math.min(wholeMinute(parseTime(to)!), present)
  if (start < end) return { from: new Date(start), to: new Date(end) }
  const limit = end === present ? 'the present minute' : 'to'
  throw invalidField('from', `is ${new Date(start).toISOString()}; allowed is a minute before ${limit}`)
}
