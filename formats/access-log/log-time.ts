const MONTHS: Readonly<Record<string, number>> = {
  Jan: 0,
  Feb: 1,
  Mar: 2,
  Apr: 3,
  May: 4,
  Jun: 5,
  Jul: 6,
  Aug: 7,
  Sep: 8,
  Oct: 9,
  Nov: 10,
  Dec: 11,
}

/** 17/May/2015:10:05:03 +0200, also with a space after the date, as Python writes */
const CLF =
  /^(\d{1,2})\/([A-Z][a-z]{2})\/(\d{4})[: ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?: ?([+-]\d\d:?\d\d|Z))?$/
/**
 * 2015-05-17T10:05:03.123+02:00, also with a space, and without a zone; `+0000 UTC` as Go writes, and ` - ` before the
 * time of day
 */
const ISO =
  /^(\d{4})[-/](\d\d)[-/](\d\d)(?:[Tt]|[ \t]+(?:- )?)(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?: ?(?:[Zz]|UTC|GMT|([+-]\d\d(?::?\d\d)?)(?: [A-Z]{3,4})?))?$/
/** Sun, 17 May 2015 10:05:03 GMT, as HTTP writes it */
const HTTP =
  /^(?:[A-Z][a-z]{2}, )?(\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) (?:GMT|UTC|([+-]\d{4}))$/
/** Sun May 17 10:05:03 2015, as C writes it */
const ASCTIME = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? (\d{4})$/
const NUMBER = /^\d{1,19}(?:\.\d+)?$/
const BRACKETS = /^\[[^[\]]*\]$/

/** The first web server is of December 1990. */
const EARLIEST_MS = Date.UTC(1990, 0, 1)
const LATEST_MS = Date.UTC(2200, 0, 1)
/** As seconds it would be the year 5138, as milliseconds it is 1973; and so on. */
const MIN_MS = 1e11
const MIN_US = 1e14
const MIN_NS = 1e17

/**
 * The time of a log line in milliseconds since 1970, UTC: as common logs write it, ISO 8601, as HTTP writes
 * it, or seconds, milliseconds, microseconds or nanoseconds since 1970 (as a number or its digits), also in brackets. Without a zone it is UTC; 23:59:60 is a leap second.
 * Fractions of a millisecond are dropped. Constant time.
 *
 * @returns NaN for what is none of these, for a day that does not exist, and before 1990 or from 2200 on
 * @example parseLogTime('17/May/2015:10:05:03 +0200') // 1431849903000
 */
export function parseLogTime(value: unknown): number {
  const timeMs =
    typeof value === 'number' ? sinceEpoch(value) : typeof value === 'string' ? ofText(value) : NaN
  return timeMs >= EARLIEST_MS && timeMs < LATEST_MS ? timeMs : NaN
}

function ofText(text: string): number {
  const clf = CLF.exec(text)
  if (clf) {
    const [, day, month, year, hour, minute, second, fraction, zone] = clf
    return timeOf([year, MONTHS[month!], day, hour, minute, second].map(Number), fraction, zone)
  }
  const iso = ISO.exec(text)
  if (iso) {
    const [, year, month, day, hour, minute, second, fraction, zone] = iso
    return timeOf([year, Number(month) - 1, day, hour, minute, second].map(Number), fraction, zone)
  }
  if (NUMBER.test(text)) return sinceEpoch(Number(text))
  const http = HTTP.exec(text)
  if (http) {
    const [, day, month, year, hour, minute, second, zone] = http
    return timeOf([year, MONTHS[month!], day, hour, minute, second].map(Number), '', zone)
  }
  const c = ASCTIME.exec(text)
  if (c) {
    const [, month, day, hour, minute, second, fraction, year] = c
    return timeOf([year, MONTHS[month!], day, hour, minute, second].map(Number), fraction)
  }
  return BRACKETS.test(text) ? ofText(text.slice(1, -1)) : NaN
}

/** The small addends make up for fractions and nanoseconds that a double does not hold exactly. */
function sinceEpoch(value: number): number {
  if (value < MIN_MS) return Math.floor(value * 1000 + 1e-3)
  if (value < MIN_US) return Math.floor(value)
  return Math.floor(value < MIN_NS ? value / 1e3 + 1e-4 : value / 1e6 + 1e-3)
}

function timeOf(parts: readonly number[], fraction = '', zone = 'Z'): number {
  const [year, month, day, hour, minute, second] = parts as [number, number, number, number, number, number]
  if (hour > 23 || minute > 59 || second > 60) return NaN
  const start = Date.UTC(year, month, day)
  const date = new Date(start)
  if (date.getUTCDate() !== day || date.getUTCMonth() !== month) return NaN // February 30, month 13
  const ms = Number(fraction.padEnd(3, '0').slice(0, 3))
  return start + hour * 3_600_000 + minute * 60_000 + second * 1000 + ms - offsetMs(zone)
}

function offsetMs(zone: string): number {
  if (zone === 'Z' || zone === 'z') return 0
  const [, sign, hours, minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone)!
  if (Number(hours) > 23 || Number(minutes) > 59) return NaN
  return (sign === '-' ? -1 : 1) * (Number(hours) * 3_600_000 + Number(minutes) * 60_000)
}
