import { clientAddress } from '../../models/traffic/client-address.js'
import { durationMs } from './duration.js'
import { JSON_FIELDS, meaningsOfPath, type JsonField, type Meaning } from './json-names.js'
import { parseLogTime } from './log-time.js'
import { readStatus } from './status.js'

/** What a field is called in the lines of one log, where that is none of the usual names. */
export type JsonNames = Readonly<Partial<Record<JsonField, string>>>

type PresetNames = Readonly<Partial<Record<JsonField, readonly string[]>>>

/** A line of JSON. */
export type JsonLine = Readonly<Record<string, unknown>>

/** Finds a value in a line; `a.b` is the key `a.b`, or else `b` in the object `a`. */
export type FieldReader = (line: JsonLine) => unknown

export type FieldReaders = Readonly<Record<JsonField | 'duration', FieldReader>>

/** The fields of a line, whichever names it has. */
export interface LineFields {
  readonly readers: FieldReaders
  /** Looks at the names of a line before its fields are read. */
  learn(line: JsonLine): void
  /** The name of the duration whose unit is not known. */
  durationName(line: JsonLine): string
}

/**
 * The fields under the names of a server.
 *
 * @param names that the operator gives instead
 */
export function presetFields(names: JsonNames, preset: PresetNames): LineFields {
  const readers = readersOf((field) => {
    const given = field === 'duration' ? undefined : names[field]
    const known = field === 'duration' ? [] : (preset[field] ?? [])
    return firstOf((given === undefined ? known : [given]).map(joinReader))
  })
  return { readers, learn: () => undefined, durationName: () => '' }
}

function firstOf(readers: readonly FieldReader[]): FieldReader {
  return (line) => {
    for (const read of readers) {
      const value = read(line)
      if (value !== undefined && value !== null) return value
    }
    return undefined
  }
}

function readersOf(read: (field: JsonField | 'duration') => FieldReader): FieldReaders {
  const all = [...JSON_FIELDS, 'duration'] as const
  return Object.fromEntries(all.map((field) => [field, read(field)])) as unknown as FieldReaders
}

/** A line is looked at as deep as this, and so many names are kept. */
const MAX_DEPTH = 5
const MAX_NAMES = 2000

/** The names seen so far; those in an object are below its name. */
interface Names {
  readonly below: Map<string, Names>
}

interface Found extends Meaning {
  readonly name: string
  readonly read: FieldReader
}

/** Whether a value can be what its name says. Another name may say the same. */
const FITS: Readonly<Partial<Record<JsonField | 'duration', (value: unknown) => boolean>>> = {
  timestamp: (value) => !Number.isNaN(parseLogTime(value)),
  status: (value) => !Number.isNaN(readStatus(value)),
  duration: (value) => durationMs(value, 'ms') !== null,
  client: (value) => typeof value === 'string' && clientAddress(value) !== null,
}

/** The fields under the usual names, see json-names.ts. The names are learned from the lines. */
export function usualFields(names: JsonNames): LineFields {
  const found: Partial<Record<JsonField | 'duration', Found[]>> = {}
  const root: Names = { below: new Map() }
  let count = 0

  function add(path: readonly string[]): void {
    for (const { field, rank } of meaningsOfPath(path)) {
      const list = (found[field] ??= [])
      list.push({ field, rank, name: path.join('.'), read: keysReader(path) })
      list.sort((a, b) => a.rank - b.rank)
    }
  }
  function look(object: JsonLine, known: Names, path: readonly string[]): void {
    for (const key in object) {
      let below = known.below.get(key)
      if (below === undefined) {
        if (count >= MAX_NAMES) return
        count++
        known.below.set(key, (below = { below: new Map() }))
        add([...path, key])
      }
      const value = object[key]
      if (typeof value === 'object' && value !== null && !Array.isArray(value) && path.length < MAX_DEPTH)
        look(value as JsonLine, below, [...path, key])
    }
  }
  const readers = readersOf((field) => {
    const given = field === 'duration' ? undefined : names[field]
    return given === undefined ? fittingReader(() => found[field], FITS[field]) : pathReader(given)
  })
  const durationName = (line: JsonLine) => found.duration?.find(({ read }) => isValue(read(line)))?.name ?? ''
  return { readers, learn: (line) => look(line, root, []), durationName }
}

/** The first value that fits; where none does, the first that there is. */
function fittingReader(
  found: () => readonly Found[] | undefined,
  fits: ((value: unknown) => boolean) | undefined,
): FieldReader {
  return (line) => {
    let first: unknown
    for (const { read } of found() ?? []) {
      const value = read(line)
      if (!isValue(value)) continue
      if (fits === undefined || fits(value)) return value
      first ??= value
    }
    return first
  }
}

const isValue = (value: unknown) =>
  value !== undefined && value !== null && (typeof value !== 'object' || Array.isArray(value))

/** `a&b` are a date and a time of day; `a+b` is the sum of two durations, as a text with their units. */
function joinReader(name: string): FieldReader {
  const [, first, sign, second] = /^([\w-]+)([+&])([\w-]+)$/.exec(name) ?? []
  if (sign === undefined) return pathReader(name)
  const [a, b] = [pathReader(first!), pathReader(second!)]
  return (line) => {
    const [left, right] = [a(line), b(line)]
    const areTexts = typeof left === 'string' && typeof right === 'string'
    return areTexts ? left + (sign === '&' ? ' ' : '') + right : undefined
  }
}

function keysReader(keys: readonly string[]): FieldReader {
  const [first, second] = keys as [string, string]
  if (keys.length === 1) return (line) => line[first]
  if (keys.length === 2) return (line) => (line[first] as JsonLine | undefined | null)?.[second]
  return (line) => {
    let value: unknown = line
    for (const key of keys) {
      if (typeof value !== 'object' || value === null) return undefined
      value = (value as JsonLine)[key]
    }
    return value
  }
}

export function pathReader(name: string): FieldReader {
  const keys = name.split('.')
  if (keys.length === 1) return (line) => line[name]
  const nested = keysReader(keys)
  return (line) => (line[name] !== undefined ? line[name] : nested(line))
}
