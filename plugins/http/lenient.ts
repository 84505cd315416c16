import { show, type Schema } from './validation.js'

/**
 * What a schema takes beside what it describes. Old callers rely on it. The keywords are part of the OpenAPI document.
 */
interface LenientSchema extends Schema {
  /** Of an object: other names of its properties. */
  'x-aliases'?: Readonly<Record<string, string>>
  /** Of a number: what is above the maximum counts as the maximum, with a warning. */
  'x-clamp'?: boolean
  /** A value that means that the field is absent. */
  'x-absent'?: unknown
  /** Of an enum: what any other text counts as, with a warning; absent: as if the field were. Of a list of an enum: other texts are left out. */
  'x-otherwise'?: string
  /** An optional field for which null is not the same as absent. */
  'x-refuses-null'?: boolean
  anyOf?: readonly Schema[]
  required?: readonly string[]
}

type Fields = Record<string, unknown>

/**
 * Changes a body or a query, before it is validated, into what its schema describes: null for an optional field is
 * absent, other names get their own, and so on. O(size).
 *
 * @param warn takes a sentence for each value that counts as another
 */
export function acceptOldForms(
  value: unknown,
  schema: Schema,
  resolve: (id: string) => Schema,
  warn: (sentence: string) => void,
): void {
  const visit = (part: unknown, given: Schema, path: string): void => {
    const { properties, items, ...own }: LenientSchema = given.$ref
      ? resolve(given.$ref.replace(/#$/, ''))
      : given
    if (typeof part !== 'object' || part === null) return
    if (Array.isArray(part)) {
      if (items) visitEntries(part, items, own.maxItems ?? Infinity, `${path}[]`)
      return
    }
    if (!properties) return
    const fields = part as Fields
    renameAliases(fields, own['x-aliases'])
    for (const key of Object.keys(properties)) {
      if (!Object.hasOwn(fields, key)) continue
      const property = properties[key]! as LenientSchema
      const name = path === '' ? key : `${path}.${key}`
      const isOptional = own.required?.includes(key) !== true
      const settled = isOptional && meansAbsent(fields[key], property) ? undefined : fields[key]
      const accepted = settle(settled, property, name, warn)
      if (accepted === undefined) Reflect.deleteProperty(fields, key)
      else if (accepted !== fields[key]) fields[key] = accepted
      visit(accepted, property, name)
    }
  }
  // A longer list is refused by the validation, which comes next.
  const visitEntries = (list: readonly unknown[], items: Schema, maxItems: number, path: string): void => {
    if (list.length <= maxItems) for (const entry of list) visit(entry, items, path)
  }
  visit(value, schema, '')
}

function renameAliases(fields: Fields, aliases: Readonly<Record<string, string>> | undefined): void {
  if (aliases === undefined) return
  for (const [alias, name] of Object.entries(aliases)) {
    if (!Object.hasOwn(fields, alias) || Object.hasOwn(fields, name)) continue
    fields[name] = fields[alias]
    Reflect.deleteProperty(fields, alias)
  }
}

function meansAbsent(value: unknown, schema: LenientSchema): boolean {
  if ('x-absent' in schema && value === schema['x-absent']) return true
  return value === null && !takesNull(schema) && schema['x-refuses-null'] !== true
}

function takesNull({ type, anyOf }: LenientSchema): boolean {
  return [type].flat().includes('null') || anyOf?.some((each) => each.type === 'null') === true
}

/** The value as the schema has it; undefined where it is as if it were absent. */
function settle(
  value: unknown,
  schema: LenientSchema,
  name: string,
  warn: (sentence: string) => void,
): unknown {
  const { maximum, items } = schema
  if (schema['x-clamp'] === true && maximum !== undefined && isAbove(value, maximum)) {
    warn(`${name} is ${show(value)}; it counts as ${maximum}, the most that is allowed.`)
    return maximum
  }
  if (schema['x-otherwise'] === undefined) return value
  if (items?.enum) return known(value, items.enum, name, warn)
  if (typeof value !== 'string' || schema.enum?.includes(value)) return value
  warn(`${name} is ${show(value)}, which is unknown; it counts as ${schema['x-otherwise']}.`)
  return schema['x-otherwise']
}

/** Numbers of queries are texts. */
function isAbove(value: unknown, maximum: number): boolean {
  if (typeof value === 'string') return /^\d+$/.test(value) && Number(value) > maximum
  return typeof value === 'number' && Number.isInteger(value) && value > maximum
}

/** The known entries of a list. A single text is a list of one. */
function known(
  value: unknown,
  allowed: readonly unknown[],
  name: string,
  warn: (sentence: string) => void,
): unknown {
  const list: unknown = typeof value === 'string' ? [value] : value
  if (!Array.isArray(list)) return value
  if (typeof value === 'string') warn(`${name} is a text; it counts as a list of one.`)
  if (list.length === 0) warn(`${name} is empty: nothing is done.`)
  const isUnknown = (entry: unknown) => typeof entry === 'string' && !allowed.includes(entry)
  const first = list.find(isUnknown)
  if (first === undefined) return list
  warn(`${name} has ${show(first)}, which is unknown and was ignored; known are ${allowed.join(', ')}.`)
  return list.filter((entry) => !isUnknown(entry))
}
