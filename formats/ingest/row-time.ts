import { parseLogTime } from '../access-log/log-time.js'

/** 2026-01-31T12:00, with or without a zone: ISO 8601 lets the seconds be left out. */
const WITHOUT_SECONDS = /^(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d)([Zz]|[+-]\d\d(?::?\d\d)?)?$/
const MINUTE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:$/
/** The length of `2026-01-31T12:00:00.000Z`. */
const CANONICAL_LENGTH = 24
/** The length of `2026-01-31T12:00:`. */
const MINUTE_LENGTH = 17

/**
 * A reader of the times that gateways and log shippers write: ISO 8601, common logs' `31/Jan/2026:12:00:00 +0000`, and
 * seconds or milliseconds since 1970, as a number or its digits. It returns milliseconds since 1970, NaN for anything
 * else. It remembers the last minute, because the rows of a batch lie close together.
 */
export function rowTimes(): (value: unknown) => number {
  let lastMinute = ''
  let lastMs = 0
  return (value) => {
    if (typeof value !== 'string' || value.length !== CANONICAL_LENGTH || value[23] !== 'Z')
      return timeOf(value)
    if (!value.startsWith(lastMinute) || lastMinute === '') {
      const minute = value.slice(0, MINUTE_LENGTH)
      if (!MINUTE.test(minute)) return timeOf(value)
      const minuteMs = parseLogTime(`${minute}00Z`)
      if (Number.isNaN(minuteMs)) return NaN
      lastMinute = minute
      lastMs = minuteMs
    }
    const ms = millisecondsOfMinute(value)
    return ms < 0 ? timeOf(value) : lastMs + ms
  }
}

function timeOf(value: unknown): number {
  const timeMs = parseLogTime(value)
  if (!Number.isNaN(timeMs) || typeof value !== 'string') return timeMs
  const [, minute, zone = 'Z'] = WITHOUT_SECONDS.exec(value) ?? []
  return minute === undefined ? NaN : parseLogTime(`${minute}:00${zone}`)
}

/** Of `…:12.345Z`; negative where there is something else than digits, or no such second. */
function millisecondsOfMinute(text: string): number {
  const digit = (index: number) => {
    const value = text.charCodeAt(index) - 48
    return value >= 0 && value <= 9 ? value : -1e6
  }
  if (text.charCodeAt(19) !== 46) return -1
  const seconds = digit(17) * 10 + digit(18)
  return seconds > 59 ? -1 : seconds * 1000 + digit(20) * 100 + digit(21) * 10 + digit(22)
}
