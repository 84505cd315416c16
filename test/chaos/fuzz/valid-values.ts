import fc from 'fast-check'
import type { Schema } from './contract.js'

/** Lists have few entries: what large ones cost is measured elsewhere. */
const MAX_ENTRIES = 6
const MAX_DEPTH = 8

/** Words that mean something to the service, by the name of the field. */
export type Hints = Readonly<Record<string, fc.Arbitrary<unknown>>>

/** Values that a schema of the contract allows. */
export function validValue(
  schema: Schema,
  resolve: (reference: string) => Schema,
  hints: Hints,
  depth = 0,
): fc.Arbitrary<unknown> {
  const inner = (each: Schema) => validValue(each, resolve, hints, depth + 1)
  const reference = schema['$ref'] as string | undefined
  if (reference !== undefined) return inner(resolve(reference))
  if (schema['enum'] !== undefined) return fc.constantFrom(...(schema['enum'] as unknown[]))
  const choices = (schema['anyOf'] ?? schema['oneOf']) as Schema[] | undefined
  if (choices !== undefined && depth < MAX_DEPTH) return fc.oneof(...choices.map(inner))
  switch (schema['type']) {
    case 'object':
      return validObject(schema, inner, hints, depth)
    case 'array':
      return validArray(schema, inner, depth)
    case 'string':
      return validText(schema)
    case 'integer':
      return validInteger(schema)
    case 'number':
      return validNumber(schema)
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    default:
      return depth < MAX_DEPTH ? fc.jsonValue({ maxDepth: 2 }) : fc.constant(null)
  }
}

function validObject(
  schema: Schema,
  inner: (schema: Schema) => fc.Arbitrary<unknown>,
  hints: Hints,
  depth: number,
): fc.Arbitrary<unknown> {
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, Schema>)
  const required = (schema['required'] ?? []) as string[]
  const chosen = properties.filter(([name]) => depth < MAX_DEPTH || required.includes(name))
  const model = Object.fromEntries(
    chosen.map(([name, each]) => [
      name,
      hints[name] ? fc.oneof({ arbitrary: hints[name], weight: 3 }, inner(each)) : inner(each),
    ]),
  )
  return fc.record(model, { requiredKeys: required, noNullPrototype: true })
}

function validArray(
  { minItems = 0, maxItems = MAX_ENTRIES, items = {} }: Schema,
  inner: (schema: Schema) => fc.Arbitrary<unknown>,
  depth: number,
): fc.Arbitrary<unknown> {
  const maxLength = Math.max(minItems, Math.min(maxItems, depth < MAX_DEPTH ? MAX_ENTRIES : 0))
  return fc.array(inner(items), { minLength: minItems, maxLength })
}

const TIMES = fc.oneof(
  // Around now, to the minute.
  fc
    .integer({ min: -3 * 1440, max: 60 })
    .map((minutes) => new Date(Date.now() + minutes * 60_000).toISOString()),
  fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }).map((d) => d.toISOString()),
  fc.constantFrom('2026-02-28T23:59:59+14:00', '2026-01-31T12:00:00-11:30', '2024-02-29T00:00:00.123456Z'),
)

const TEXT = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom(
    '__proto__',
    'constructor',
    "'; drop table x --",
    '%s%n',
    '../../etc/passwd',
    '\ufeff',
    '=1+1',
  ),
  fc.string({ maxLength: 3000, size: 'max' }),
)

const PRINTABLE = /^[^\p{C}]*$/u

/** Texts of patterns that random ones do not meet. */
const BY_PATTERN: Readonly<Record<string, fc.Arbitrary<string>>> = {
  '^([A-Za-z_-]+ )?/': fc
    .tuple(fc.constantFrom('', 'GET ', 'POST ', 'x-y '), fc.webPath({ size: 'small' }))
    .map(([method, path]) => `${method}/${path.slice(0, 200)}`),
  '^[^?\\u0000][^\\u0000]*$': fc.webPath({ size: 'small' }).map((path) => `/${path}`),
  '^\\P{C}+$': fc.string({ minLength: 1, maxLength: 30 }),
}

function validText({ format, pattern, minLength = 0, maxLength = 2000 }: Schema): fc.Arbitrary<string> {
  if (format === 'date-time') return TIMES
  if (format === 'uuid') return fc.uuid()
  if (format === 'ip') return fc.oneof(fc.ipV4(), fc.ipV6())
  const allowed = pattern === undefined ? undefined : new RegExp(pattern as string, 'u')
  const isValid = (text: string) =>
    text.length >= minLength &&
    text.length <= maxLength &&
    (allowed === undefined || allowed.test(text)) &&
    (format !== 'printable' || PRINTABLE.test(text))
  const candidates = BY_PATTERN[pattern as string] ?? (pattern ? matching(allowed!) : TEXT)
  const fallback = fc.string({ minLength, maxLength: Math.min(maxLength, minLength + 20) })
  return fc.oneof(candidates, fallback).filter(isValid)
}

/** fast-check reads simple patterns; for others, texts are tried. */
function matching(pattern: RegExp): fc.Arbitrary<string> {
  try {
    return fc.stringMatching(pattern)
  } catch {
    return TEXT
  }
}

const HUGE = Number.MAX_SAFE_INTEGER

function validInteger(schema: Schema): fc.Arbitrary<number> {
  const { multipleOf = 1, minimum = -HUGE, maximum = HUGE, exclusiveMinimum } = schema
  const min = Math.ceil(
    Math.max(minimum, exclusiveMinimum === undefined ? -HUGE : exclusiveMinimum + 1) / multipleOf,
  )
  const max = Math.floor(maximum / multipleOf)
  const near = fc.integer({ min, max: Math.min(max, min + 30) })
  return fc.oneof(near, near, fc.integer({ min, max })).map((value) => value * multipleOf)
}

function validNumber({ minimum, maximum = 1e300, exclusiveMinimum }: Schema): fc.Arbitrary<number> {
  const min = exclusiveMinimum ?? minimum ?? -1e300
  const isValid = (value: number) => exclusiveMinimum === undefined || value > exclusiveMinimum
  const range = fc.double({ min, max: maximum, noNaN: true, noDefaultInfinity: true })
  const near = fc.double({ min, max: Math.min(maximum, min + 100), noNaN: true, noDefaultInfinity: true })
  return fc.oneof(near, near, range).filter(isValid)
}
