import { JSON_FIELDS, type JsonField, type JsonNames } from '../../formats/access-log/json-fields.js'
import { UsageError } from '../cli/errors.js'

/** Parses a value of --field and adds it to those before. */
export function addName(text: string, names: JsonNames = {}): JsonNames {
  const [, field, name] = /^([^=]+)=(.+)$/.exec(text) ?? []
  if (name !== undefined && JSON_FIELDS.includes(field as JsonField)) return { ...names, [field!]: name }
  const allowed = `a field and its name, such as timestamp=when; fields are ${JSON_FIELDS.join(', ')}`
  throw new UsageError(`--field is ${JSON.stringify(text.slice(0, 80))}; allowed is ${allowed}.`)
}
