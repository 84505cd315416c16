import { toNumber, type AnyValue, type KeyValue } from './messages.js'

export type Scalar = string | number | boolean

/** Attributes by name; one of a nested object has a name such as `request.method`. */
export type Attributes = ReadonlyMap<string, Scalar>

/** Objects within objects of a log record's body. */
const MAX_NESTING = 4

/** The attributes that are a text, a number or a boolean. Of two with the same name, the first counts. */
export function readAttributes(...lists: (readonly KeyValue[])[]): Attributes {
  const attributes = new Map<string, Scalar>()
  for (const list of lists) addList(attributes, list, '', 0)
  return attributes
}

function addList(target: Map<string, Scalar>, list: readonly KeyValue[], prefix: string, depth: number) {
  for (const { key, value } of list) {
    if (!value || typeof key !== 'string') continue
    const name = prefix + key
    const nested = value.kvlistValue?.values
    if (nested && depth < MAX_NESTING) addList(target, nested, `${name}.`, depth + 1)
    const scalar = scalarOf(value)
    if (scalar !== undefined && !target.has(name)) target.set(name, scalar)
  }
}

/** What a value is, unless it is a list, an object or bytes. */
function scalarOf(value: AnyValue): Scalar | undefined {
  const { stringValue, intValue, doubleValue, boolValue } = value
  if (typeof stringValue === 'string' && stringValue !== '') return stringValue
  if (isSet(value, 'intValue') && intValue != null) return toNumber(intValue)
  if (isSet(value, 'doubleValue') && doubleValue != null) return Number(doubleValue)
  return isSet(value, 'boolValue') ? (boolValue ?? undefined) : undefined
}

/** A decoded protobuf has the default of a field that is not set in its prototype. */
function isSet(value: AnyValue, field: keyof AnyValue): boolean {
  return Object.hasOwn(value, field)
}

/** The attributes of an object in JSON. */
export function readJson(object: Readonly<Record<string, unknown>>): Attributes {
  const attributes = new Map<string, Scalar>()
  const add = (values: object, prefix: string, depth: number): void => {
    for (const [key, value] of Object.entries(values) as [string, unknown][]) {
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
        attributes.set(prefix + key, value)
      } else if (typeof value === 'object' && value !== null && depth < MAX_NESTING) {
        add(value, `${prefix}${key}.`, depth + 1)
      }
    }
  }
  add(object, '', 0)
  return attributes
}

/** The first of the names that is there, as a text. */
export function textOf(attributes: Attributes, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = attributes.get(name)
    if (value !== undefined && value !== '') return String(value)
  }
  return undefined
}

/** The first of the names that is there, as a number: access logs write numbers as texts. */
export function numberOf(attributes: Attributes, names: readonly string[]): number | undefined {
  const text = textOf(attributes, names)?.trim()
  return text === undefined || text === '' || Number.isNaN(Number(text)) ? undefined : Number(text)
}
