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

/** Parses the value of a flag that takes one of some words. */
export function choice<const T extends readonly string[]>(flag: string, allowed: T) {
  return (text: string): T[number] => {
    const found = allowed.find((word) => word === text.toLowerCase())
    return found ?? refuse(flag, text, `one of ${allowed.join(', ')}`)
  }
}

const DAY = /^\d{4}-\d\d-\d\d$/
const TIME = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)([Zz]|[+-]\d\d:\d\d)?$/

/** A whole day or a point in time. */
export interface DateOrTime {
  readonly at: Date
  readonly isDay: boolean
}

/** Parses the value of a flag that takes a date or an ISO-8601 time. The default time zone is UTC. */
export function dateOrTime(flag: string) {
  return (text: string): DateOrTime => {
    const isDay = DAY.test(text)
    const [, day, time, zone = 'Z'] = isDay ? ['', text, '00:00'] : (TIME.exec(text) ?? [])
    const at = new Date(`${day}T${time}${zone.toUpperCase()}`)
    // Date accepts February 31 as a day of March.
    const exists = new Date(`${day}T00:00Z`).toJSON()?.startsWith(String(day)) ?? false
    if (exists && !Number.isNaN(at.getTime())) return { at, isDay }
    return refuse(flag, text, 'a date or an ISO-8601 time, such as 2026-01-31 or 2026-01-31T12:00:00Z')
  }
}
