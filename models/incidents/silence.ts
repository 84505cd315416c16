import type { AnomalyType } from '../anomaly/verdict.js'
import type { LocalTime } from '../seasonality/local-time.js'

/** When nobody is told of which incidents. Null matches anything. */
export interface Silence {
  readonly source: string | null
  /** `GET /orders/{id}`, `/orders/{id}` for all methods, or the beginning of either with `*` at its end. */
  readonly endpoint: string | null
  readonly type: AnomalyType | null
  /** It begins here, ms since 1970. */
  readonly fromMs: number
  /** It ends before this; null where it recurs without an end. */
  readonly toMs: number | null
  /** Null where it is one whole time. */
  readonly recurring: Recurrence | null
}

/** Hours that recur each week, as the clocks of a time zone show them. */
export interface Recurrence {
  /** Days on which they begin; 0 is Monday. */
  readonly days: readonly number[]
  /** Minutes of the day, 0…1439. */
  readonly startMinute: number
  /** Not included. At or before the start, it is of the next day. */
  readonly endMinute: number
}

/** What a silence is compared with. */
export interface SilencedSubject {
  /** `default` for the gateway and its endpoints. */
  readonly source: string
  /** All endpoints that are affected; none where only the gateway as a whole or a source is. */
  readonly endpoints: readonly string[]
  readonly type: AnomalyType
}

const DAY_MINUTES = 1440
const WEEK_DAYS = 7

/**
 * The first silence that holds at a moment for an incident; undefined when there is none. O(silences × endpoints).
 *
 * @param timeMs ms since 1970
 * @param localTime the clocks that recurring hours follow
 */
export function silenceOf<S extends Silence>(
  silences: readonly S[],
  subject: SilencedSubject,
  timeMs: number,
  localTime: LocalTime,
): S | undefined {
  return silences.find((silence) => isInForce(silence, timeMs, localTime) && concerns(silence, subject))
}

/**
 * Whether a silence holds at a moment, ms since 1970. Recurring hours follow the clocks on the wall: hours that are skipped in
 * spring hold at no time of that day, and hours that are shown twice in autumn hold twice.
 */
export function isInForce(
  { fromMs, toMs, recurring }: Silence,
  timeMs: number,
  localTime: LocalTime,
): boolean {
  if (timeMs < fromMs || (toMs !== null && timeMs >= toMs)) return false
  if (recurring === null) return true
  const { days, startMinute, endMinute } = recurring
  const { minuteOfWeek } = localTime(timeMs)
  const today = Math.floor(minuteOfWeek / DAY_MINUTES)
  const yesterday = (today + WEEK_DAYS - 1) % WEEK_DAYS
  const minute = minuteOfWeek % DAY_MINUTES
  const isOvernight = endMinute <= startMinute
  return (
    (days.includes(today) && minute >= startMinute && (isOvernight || minute < endMinute)) ||
    (isOvernight && days.includes(yesterday) && minute < endMinute)
  )
}

/** Whether a silence is about an incident. One of endpoints is, when all endpoints that are affected belong to it. */
export function concerns({ source, endpoint, type }: Silence, subject: SilencedSubject): boolean {
  if (source !== null && source !== subject.source) return false
  if (type !== null && type !== subject.type) return false
  if (endpoint === null) return true
  return subject.endpoints.length > 0 && subject.endpoints.every((each) => isEndpoint(endpoint, each))
}

/**
 * Whether an endpoint, as method and path, is the one that is named, or begins so.
 * @param named a method and a path, or a path for all methods; `*` at the end stands for any rest
 */
export function isEndpoint(named: string, endpoint: string): boolean {
  const compared = named.startsWith('/') ? endpoint.slice(endpoint.indexOf(' ') + 1) : endpoint
  return named.endsWith('*') ? compared.startsWith(named.slice(0, -1)) : compared === named
}
