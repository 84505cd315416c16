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
  readonly path: readonly string[]
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
  const root: Names = { path: [], below: new Map() }
  let count = 0

  function add(path: readonly string[]): Names {
    for (const { field, rank } of meaningsOfPath(path)) {
      const list = (found[field] ??= [])
      list.push({ field, rank, name: path.join('.'), read: keysReader(path) })
      list.sort((a, b) => a.rank - b.rank)
    }
    return { path, below: new Map() }
  }
  function look(object: JsonLine, { path, below }: Names): void {
    for (const key in object) {
      let names = below.get(key)
      if (names === undefined) {
        if (count++ >= MAX_NAMES) return
        below.set(key, (names = add([...path, key])))
      }
      const value = object[key]
      if (typeof value === 'object' && value !== null && path.length < MAX_DEPTH && !Array.isArray(value))
        look(value as JsonLine, names)
    }
  }
  const readers = readersOf((field) => {
    const given = field === 'duration' ? undefined : names[field]
    if (given !== undefined) return pathReader(given)
    return fittingReader(() => found[field], FITS[field], field === 'client')
  })
  const durationName = (line: JsonLine) =>
    found.duration?.find(({ read }) => valueOf(read(line)) !== undefined)?.name ?? ''
  return { readers, learn: (line) => look(line, root), durationName }
}

/**
 * The first value that fits; where none does, the first that there is.
 *
 * @param isStrict a value that does not fit is none
 */
function fittingReader(
  found: () => readonly Found[] | undefined,
  fits: ((value: unknown) => boolean) | undefined,
  isStrict: boolean,
): FieldReader {
  return (line) => {
    const all = found()
    if (all === undefined) return undefined
    if (all.length === 1 && !isStrict) return valueOf(all[0]!.read(line))
    let first: unknown
    for (const { read } of all) {
      const value = valueOf(read(line))
      if (value === undefined) continue
      if (fits === undefined || fits(value)) return value
      first ??= value
    }
    return isStrict ? undefined : first
  }
}

/** An object is no value. */
function valueOf(value: unknown): unknown {
  return value === null || (typeof value === 'object' && !Array.isArray(value)) ? undefined : value
}

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
