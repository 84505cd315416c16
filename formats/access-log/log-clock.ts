import { MINUTE_MS } from '../../models/traffic/durations.js'
import { instantOf } from '../../models/seasonality/local-time.js'
import type { Reading } from './log-entry.js'
import { parseLogTime } from './log-time.js'

/** A date and a time of day with nothing after them but a year, as C writes it. */
const WITHOUT_ZONE = /:\d\d:\d\d(?:[.,]\d+)?(?: \d{4})?\]?$/

const UTC_ASSUMED =
  'the times have no time zone and are read as UTC: give --time-zone if the clock of the server is another'

/**
 * Reads the times of a log. Those without a zone are of the zone of the reading; where it names none, they are UTC,
 * which is reported once. The last result is remembered: most lines are of the same second as the one before.
 *
 * @returns a function of a time and its line; NaN for what is no time, see parseLogTime
 */
export function createLogClock(reading: Reading): (text: string, line: string) => number {
  let [lastText, last, isReported] = ['', NaN, reading.isUtc === true]
  return (text, line) => {
    if (text === lastText) return last
    lastText = text
    last = parseLogTime(text)
    if (isReported && reading.timeZone === undefined) return last
    if (Number.isNaN(last) || !WITHOUT_ZONE.test(text)) return last
    if (reading.timeZone !== undefined && reading.isUtc !== true)
      return (last = inZone(last, reading.timeZone))
    if (!isReported) reading.doubt(UTC_ASSUMED, line)
    isReported = true
    return last
  }
}

function inZone(wallMs: number, timeZone: string): number {
  const withinMinute = wallMs % MINUTE_MS
  return instantOf(wallMs - withinMinute, timeZone) + withinMinute
}
