/** Milliseconds in each unit that logs write after a number. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  // U+00B5 and U+03BC, also as the bytes of their UTF-8
  '\u00b5s': 1e-3,
  '\u03bcs': 1e-3,
  '\xc2\xb5s': 1e-3,
  '\xce\xbcs': 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

export type DurationUnit = 's' | 'ms' | 'us' | 'ns'

const NUMBER = /^\+?\d{1,19}(?:\.\d{0,12})?(?:e-?\d{1,2})?$/i
const WITH_UNITS = /^\+?(?:\d{1,19}(?:\.\d{1,12})?(?:ns|us|\u00b5s|\u03bcs|\xc2\xb5s|\xce\xbcs|ms|s|m|h))+$/
const PART = /(\d+(?:\.\d+)?)([^\d.]+)/g
const BETWEEN_ATTEMPTS = /, | : |,/
const MAX_MS = 1e15

/**
 * A duration in milliseconds. A text may have units of its own (`515ms`, `0.048s`, `1m2.5s`), which count then.
 * NGINX's list of the attempts at several servers (`0.001, 0.002`) is their sum.
 *
 * @param unit of a bare number
 * @returns null for what is no duration, such as `-`, and for a negative one, which says that it is not known
 */
export function durationMs(value: unknown, unit: DurationUnit): number | null {
  if (typeof value === 'number') return inRange(value * UNITS[unit]!)
  if (typeof value !== 'string') return null
  if (NUMBER.test(value)) return inRange(Number(value) * UNITS[unit]!)
  if (WITH_UNITS.test(value)) {
    let sum = 0
    for (const [, number, name] of value.matchAll(PART)) sum += Number(number) * UNITS[name!]!
    return inRange(sum)
  }
  return BETWEEN_ATTEMPTS.test(value) ? sumOfAttempts(value.split(BETWEEN_ATTEMPTS), unit) : null
}

function sumOfAttempts(attempts: readonly string[], unit: DurationUnit): number | null {
  let sum: number | null = null
  for (const attempt of attempts) {
    const ms = NUMBER.test(attempt) ? Number(attempt) * UNITS[unit]! : null
    if (ms !== null) sum = (sum ?? 0) + ms
    else if (attempt !== '-') return null
  }
  return sum
}

function inRange(ms: number): number | null {
  return ms >= 0 && ms < MAX_MS ? ms : null
}
