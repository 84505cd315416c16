import { UsageError } from './errors.js'

const refuse = (flag: string, given: string, allowed: string): never => {
  throw new UsageError(`${flag} is ${JSON.stringify(given.slice(0, 80))}; allowed is ${allowed}.`)
}

/** Parses the value of a flag that takes a whole number. */
export function wholeNumber(flag: string, { min, max }: { min: number; max: number }) {
  return (text: string): number => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN
    if (value >= min && value <= max) return value
    return refuse(flag, text, `a whole number from ${min} to ${max}`)
  }
}

/** Parses the value of a flag that takes a number; `above` itself is not allowed. */
export function finiteNumber(flag: string, bounds: { max: number } & ({ min: number } | { above: number })) {
  return (text: string): number => {
    const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN
    const inside = ('min' in bounds ? value >= bounds.min : value > bounds.above) && value <= bounds.max
    if (inside) return value
    const range = 'min' in bounds ? `from ${bounds.min}` : `above ${bounds.above},`
    return refuse(flag, text, `a number ${range}${'min' in bounds ? '' : ' up'} to ${bounds.max}`)
  }
}

/** Parses the value of a flag that takes a share, `0.1%` or `0.001`. */
export function share(flag: string) {
  return (text: string): number => {
    const [, number, isPercent] = /^(\d+(?:\.\d+)?|\.\d+)(%?)$/.exec(text) ?? []
    const value = number === undefined ? NaN : Number(number) / (isPercent ? 100 : 1)
    return value >= 0 && value <= 1 ? value : refuse(flag, text, '0% to 100%, or 0 to 1')
  }
}

/** Parses the value of a flag that takes one of some words. */
export function choice<const T extends readonly string[]>(flag: string, allowed: T) {
  return (text: string): T[number] => {
    const found = allowed.find((word) => word === text.toLowerCase())
    return found ?? refuse(flag, text, `one of ${allowed.join(', ')}`)
  }
}

const MAX_BUCKET_MINUTES = 1440

/** Parses the value of a flag that takes the length of a time bucket: one of some words, or a number of minutes. */
export function bucketSeconds(flag: string, words: Readonly<Record<string, number>>) {
  return (text: string): number => {
    const seconds = new Map(Object.entries(words)).get(text.toLowerCase()) ?? 60 * minutesIn(text)
    if (seconds >= 60) return seconds
    const allowed = `one of ${Object.keys(words).join(', ')}, or a number of minutes from 1 to ${MAX_BUCKET_MINUTES}`
    return refuse(flag, text, allowed)
  }
}

function minutesIn(text: string): number {
  const minutes = /^\d{1,4}$/.test(text) ? Number(text) : 0
  return minutes <= MAX_BUCKET_MINUTES ? minutes : 0
}

const TIME = /^(\d{4})([-/])(\d\d)\2(\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)([Zz]|[+-]\d\d:\d\d)?)?$/

/** Parses the value of a flag that takes a date (its midnight) or an ISO-8601 time. The default time zone is UTC. */
export function dateOrTime(flag: string) {
  return (text: string): Date => {
    const [, year, , month, dayOfMonth, time = '00:00', zone = 'Z'] = TIME.exec(text) ?? []
    const day = `${year}-${month}-${dayOfMonth}`
    const at = new Date(`${day}T${time}${zone.toUpperCase()}`)
    // Date accepts February 31 as a day of March.
    const exists = new Date(`${day}T00:00Z`).toJSON()?.startsWith(day) ?? false
    if (exists && !Number.isNaN(at.getTime())) return at
    return refuse(flag, text, 'a date or an ISO-8601 time, such as 2026-01-31 or 2026-01-31T12:00:00Z')
  }
}
