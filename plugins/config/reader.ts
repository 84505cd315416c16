import { ConfigError } from './error.js'

export type Environment = Readonly<Record<string, string | undefined>>

interface Range {
  min?: number
  above?: number
  max: number
  integer?: boolean
}

/** Reads variables of an environment, each checked. One that is empty counts as not set. */
export function reader(environment: Environment) {
  const read = (name: string): string | undefined => {
    const value = environment[name]?.trim()
    return value === '' ? undefined : value
  }
  return {
    read,
    text(name: string, fallback: string, pattern: RegExp, allowed: string): string {
      const value = read(name) ?? fallback
      if (!pattern.test(value)) throw new ConfigError(name, value, allowed)
      return value
    },
    number(name: string, fallback: number, { min, above, max, integer = false }: Range): number {
      const given = read(name)
      if (given === undefined) return fallback
      const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(given) ? Number(given) : NaN
      const tooLow = above === undefined ? value < min! : value <= above
      if (Number.isNaN(value) || tooLow || value > max || (integer && !Number.isInteger(value))) {
        const kind = integer ? 'a whole number' : 'a number'
        const range = above === undefined ? `from ${min} to ${max}` : `above ${above}, up to ${max}`
        throw new ConfigError(name, given, `${kind} ${range}`)
      }
      return value
    },
    oneOf<T extends string>(name: string, allowed: readonly T[], fallback: T): T {
      const given = read(name)?.toLowerCase()
      if (given === undefined) return fallback
      const match = allowed.find((value) => value === given)
      if (match === undefined) throw new ConfigError(name, environment[name]!, `one of ${allowed.join(', ')}`)
      return match
    },
  }
}
