import { PRESETS, type Preset, type PresetName } from './presets.js'
import { NUMERIC_FIELDS, ROW_FIELDS, type RowField } from './row-fields.js'

/** A value somewhere in a row. */
interface ValueSource {
  /** The key, or the way to it through objects. */
  readonly keys: readonly string[]
  /** What a number is multiplied with. */
  readonly factor: number
}

/** Where each field is found: the first source that says something counts. */
export type FieldMap = Readonly<Record<RowField, readonly ValueSource[]>>

/** A field map that cannot be read. The message says why. */
export class FieldMapError extends Error {}

const FACTOR = /^(.+)\*(\d{1,15}(?:\.\d{1,15})?(?:e-?\d{1,2})?)$/i
const MAX_KEYS = 10

/**
 * The sources of all fields. An entry of the text replaces the sources of a preset for that field. A field that
 * neither has is read under its own name.
 *
 * @param text `target:source` pairs between commas. A source is a key, or keys between dots; alternatives are between
 * bars; `*1000` multiplies
 * @throws FieldMapError
 * @example createFieldMap('path:uri,response_time_ms:request_time*1000', undefined)
 */
export function createFieldMap(text: string | undefined, preset: PresetName | undefined): FieldMap {
  const found: Partial<Record<RowField, string>> = { ...((preset && PRESETS[preset]) as Preset | undefined) }
  const given = new Set<string>()
  for (const entry of (text ?? '').split(',').filter((each) => each.trim() !== '')) {
    const colon = entry.indexOf(':')
    const target = entry.slice(0, Math.max(colon, 0)).trim()
    const source = entry.slice(colon + 1).trim()
    if (colon < 0 || source === '') throw new FieldMapError(`${quote(entry)} is not target:source`)
    if (!isField(target)) throw new FieldMapError(`${quote(target)} is not one of ${ROW_FIELDS.join(', ')}`)
    if (given.has(target)) throw new FieldMapError(`${target} is there twice`)
    given.add(target)
    found[target] = source
  }
  const sources = ROW_FIELDS.map((field) => [field, sourcesOf(field, found[field] ?? field)] as const)
  return Object.fromEntries(sources) as unknown as FieldMap
}

function isField(name: string): name is RowField {
  return (ROW_FIELDS as readonly string[]).includes(name)
}

function sourcesOf(field: RowField, text: string): ValueSource[] {
  return text.split('|').map((source) => {
    const [, name = source, factor] = FACTOR.exec(source.trim()) ?? []
    if (factor !== undefined && !NUMERIC_FIELDS.has(field))
      throw new FieldMapError(`${field} takes no factor`)
    const keys = name.trim().split('.')
    if (keys.length > MAX_KEYS || keys.includes('')) throw new FieldMapError(`${quote(name)} is not a name`)
    return { keys, factor: Number(factor ?? 1) }
  })
}

const quote = (text: string) => JSON.stringify(text.slice(0, 80))

/**
 * Finds a value. A key with dots in it counts before a way through objects; of a list, such as the values of a header,
 * the first entry counts. @returns undefined for a value that says nothing: null, an empty text, `-`, an object
 */
export function valueAt(row: object, keys: readonly string[]): unknown {
  const whole = keys.length === 1 ? undefined : own(row, keys.join('.'))
  let value: unknown = whole ?? row
  if (whole === undefined) for (const key of keys) value = own(value, key)
  if (Array.isArray(value)) value = value[0] as unknown
  return value === null || value === '' || value === '-' || typeof value === 'object' ? undefined : value
}

/** Its own property: a row must not reach what every object has, such as `constructor`. */
function own(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
  return (value as Record<string, unknown>)[key]
}
