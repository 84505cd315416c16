import fp from 'fastify-plugin'
import { Ajv, type ErrorObject } from 'ajv'
import ajvFormats from 'ajv-formats'
import { isIP } from 'node:net'
import { clientAddress } from '../../models/traffic/client-address.js'

/** The part of JSON Schema that the routes use. */
export interface Schema {
  $ref?: string
  type?: string | string[]
  enum?: unknown[]
  format?: string
  minimum?: number
  exclusiveMinimum?: number
  maximum?: number
  multipleOf?: number
  minLength?: number
  maxLength?: number
  pattern?: string
  minItems?: number
  maxItems?: number
  items?: Schema
  properties?: Record<string, Schema>
}

interface Problem {
  field: string
  problem: string
}

/**
 * One validation error in words: the field, what is allowed, what was given.
 * Ajv runs in verbose mode, so that the error brings the schema and the value along.
 */
export function describeValidation(
  errors: readonly object[],
  part: string,
): { message: string; details: Problem[] } {
  const { instancePath, keyword, params, parentSchema, data } = errors[0] as ErrorObject
  const path = instancePath.split('/').slice(1)
  if (keyword === 'required') {
    const missing = String(params['missingProperty'])
    const schema = (parentSchema as Schema).properties?.[missing]
    return inWords(fieldName([...path, missing]), part, 'is required', schema)
  }
  return inWords(fieldName(path), part, `is ${show(data)}`, parentSchema as Schema)
}

/** @example fieldName(['requests', '3', 'path']) // 'requests[3].path' */
function fieldName(path: readonly string[]): string {
  return path
    .map((key) => (/^\d+$/.test(key) ? `[${key}]` : `.${key}`))
    .join('')
    .replace(/^\./, '')
}

function inWords(field: string, part: string, problem: string, schema: Schema | undefined) {
  const name = field === '' ? `The ${part === 'querystring' ? 'query' : part}` : field
  const allowed = schema && describeSchema(schema)
  return {
    message: `${name} ${problem}${allowed ? `; allowed is ${allowed}` : ''}.`,
    details: [
      {
        field: field === '' ? part : field,
        problem: allowed ? `${problem}; allowed is ${allowed}` : problem,
      },
    ],
  }
}

/** A value, shortened for a message. */
export function show(value: unknown): string {
  if (typeof value === 'number') return String(value) // JSON has no Infinity
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = JSON.stringify(value) ?? 'missing'
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

const ISO_TIME =
  /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)([Zz]|[+-]\d\d(?::?\d\d)?)?)?$/

/** The times that ISO-8601 writes with four digits for the year and that PostgreSQL has: the years 1 to 9999. */
export const FIRST_TIME_MS = Date.parse('0001-01-01T00:00:00Z')
export const LAST_TIME_MS = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * An ISO-8601 time in milliseconds since 1970, undefined when it is none. Seconds may be missing; without a zone
 * it is UTC. A date without a time is its midnight.
 */
export function parseTime(text: string): number | undefined {
  const [, date, time = '00:00', zone = 'Z'] = ISO_TIME.exec(text) ?? []
  if (date === undefined) return undefined
  const offset =
    zone === 'Z' ? zone : /^[+-]\d\d$/.test(zone) ? `${zone}:00` : zone.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2')
  const ms = Date.parse(`${date}T${time.replace(',', '.')}${offset.toUpperCase()}`)
  return isDay(date) && ms >= FIRST_TIME_MS && ms <= LAST_TIME_MS ? ms : undefined
}

/** Whether there is such a day: Date.parse takes February 31 for one of March. */
function isDay(date: string): boolean {
  const [year, month, day] = [date.slice(0, 4), date.slice(5, 7), date.slice(8)].map(Number)
  return day! <= 28 || day! <= new Date(Date.UTC(2000 + (year! % 400), month!, 0)).getUTCDate()
}

/** What a schema allows, in words. */
function describeSchema(schema: Schema): string {
  if (schema.enum) return schema.enum.length === 1 ? show(schema.enum[0]) : `one of ${schema.enum.join(', ')}`
  const type = [schema.type].flat()[0]
  switch (type) {
    case 'integer':
      return `a whole number${describeRange(schema)}${schema.multipleOf ? `, a multiple of ${schema.multipleOf}` : ''}`
    case 'number':
      return `a finite number${describeRange(schema)}`
    case 'array':
      return `a list of ${schema.minItems ?? 0} to ${schema.maxItems} entries`
    case 'string':
      if (schema.format === 'uuid') return 'a UUID, such as "7feea531-ae5f-451c-9683-b89d4a9a03ca"'
      if (schema.format === 'date-time') return 'an ISO-8601 time, such as "2026-01-31T12:00:00Z"'
      if (schema.format === 'ip') return 'an IP address, such as "203.0.113.7"'
      return `a text of ${schema.minLength ?? 0} to ${schema.maxLength} characters${describeContent(schema)}`
    case 'object':
      return 'a JSON object'
    case 'boolean':
      return 'true or false'
    default:
      return ''
  }
}

/** No control characters, nor halves of surrogate pairs, which no text in UTF-8 has. */
const PRINTABLE = /^[^\p{Cc}\p{Cs}]*$/u

function describeContent({ pattern, format }: Schema): string {
  if (format === 'printable') return ' without control characters'
  return pattern === undefined ? '' : ` that matches ${pattern}`
}

function describeRange({ minimum, exclusiveMinimum, maximum }: Schema): string {
  if (exclusiveMinimum !== undefined) return ` above ${exclusiveMinimum}, up to ${maximum}`
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`
  return minimum === undefined ? '' : ` of at least ${minimum}`
}

/**
 * The fields of a body that its schema does not know, each named once and without the index of a list. They never fail
 * a request (old callers send them); the answer names them.
 *
 * @returns the first MAX_FOUND of them
 */
export function unknownFields(
  value: unknown,
  schema: Schema,
  resolve: (id: string) => Schema,
): ReadonlySet<string> {
  const found = new Set<string>()
  const visit = (part: unknown, given: Schema, path: string): void => {
    if (typeof part !== 'object' || part === null) return
    const { properties, items } = given.$ref ? resolve(given.$ref.replace(/#$/, '')) : given
    if (Array.isArray(part)) {
      if (!items) return
      for (const entry of part) {
        if (found.size >= MAX_FOUND) return
        visit(entry, items, `${path}[]`)
      }
      return
    }
    if (!properties) return
    for (const key of Object.keys(part)) {
      const isKnown = Object.hasOwn(properties, key)
      const entry = (part as Record<string, unknown>)[key]
      if (isKnown && typeof entry !== 'object') continue
      const name = path === '' ? key : `${path}.${key}`
      if (isKnown) visit(entry, properties[key]!, name)
      else found.add(name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}…` : name)
      if (found.size >= MAX_FOUND) return
    }
  }
  visit(value, schema, '')
  return found
}

/** Unknown fields that are looked for in a body, and characters of their names. */
export const MAX_FOUND = 1000
const MAX_NAME = 100

/** Values are taken as they are: the texts of a query are read before, by readQueryValues. */
export default fp(
  async (app) => {
    let ajv: Ajv | undefined
    const build = () => {
      const built = ajvFormats.default(new Ajv({ verbose: true, strict: false }))
      built.addFormat('date-time', (text: string) => parseTime(text) !== undefined)
      built.addFormat('printable', (text: string) => PRINTABLE.test(text))
      built.addFormat('ip', (text: string) => isIP(text) !== 0 && clientAddress(text) !== null)
      return built.addSchema(Object.values(app.getSchemas()) as object[])
    }
    app.setValidatorCompiler<object>(({ schema }) => (ajv ??= build()).compile(schema))
  },
  { name: 'validation' },
)
