import { utf8 } from './field-text.js'
import { fieldReader, JSON_FIELDS, type FieldReader, type JsonField, type JsonNames } from './json-fields.js'
import type { LineParser, LogEntry } from './log-entry.js'
import { parseLogTime } from './log-time.js'
import { METHOD, readRequestLine, requestPath } from './request-line.js'

const NON_ASCII = /[\x80-\xff]/
const STATUS = /^\d{3}$/
const NUMBER = /^\d{1,15}(?:\.\d+)?$/

/**
 * Reads lines that are JSON objects, such as NGINX (with `escape=json` and without) or a gateway writes them. A line
 * needs a time, a status, and a path or a request line.
 *
 * @param names of fields that are not called as usual
 */
export function createJsonParser(names: JsonNames = {}): LineParser {
  const readers = Object.fromEntries(
    JSON_FIELDS.map((field) => [field, fieldReader(field, names)]),
  ) as unknown as Readers
  return (line, entry) => {
    const object = objectOf(line)
    if (object === undefined) return 'no JSON object'
    entry.isCut = false
    entry.timeMs = parseLogTime(readers.timestamp(object))
    if (Number.isNaN(entry.timeMs)) return problem('timestamp', readers, object)
    entry.status = statusOf(readers.status(object))
    if (Number.isNaN(entry.status)) return problem('status', readers, object)
    const reason = readRequest(object, readers, entry)
    if (reason !== undefined) return reason
    readRest(object, readers, entry)
    return undefined
  }
}

type Line = Readonly<Record<string, unknown>>
type Readers = Readonly<Record<JsonField, FieldReader>>

function problem(field: JsonField, readers: Readers, object: Line): string {
  return readers[field](object) === undefined ? `no ${field}` : `a ${field} that cannot be read`
}

function objectOf(line: string): Line | undefined {
  const value = parsed(line) ?? (line.includes('\\x') ? parsed(withoutNginxEscapes(line)) : undefined)
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Line) : undefined
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(NON_ASCII.test(line) ? utf8(line) : line)
  } catch {
    return undefined
  }
}

/** Without escape=json NGINX writes `\x22` for a quote, which JSON does not know. */
function withoutNginxEscapes(line: string): string {
  return line.replace(/\\x([\da-f]{2})/gi, (_, code: string) => {
    const byte = Number.parseInt(code, 16)
    return byte < 128 ? `\\u00${code}` : String.fromCharCode(byte)
  })
}

/** NaN for what is no status; 0 and `-` say that there was no answer. */
function statusOf(value: unknown): number | null {
  if (value === '-' || value === 0) return null
  const status = typeof value === 'string' && STATUS.test(value) ? Number(value) : value
  return Number.isInteger(status) && Number(status) > 0 && Number(status) < 1000 ? Number(status) : NaN
}

function readRequest(object: Line, readers: Readers, entry: LogEntry): string | undefined {
  const path = readers.path(object)
  if (typeof path === 'string') {
    entry.path = requestPath(path)
    entry.method = textOf(readers.method(object))
    return entry.method === null || METHOD.test(entry.method) ? undefined : 'a method that is none'
  }
  const request = readers.request(object)
  if (typeof request !== 'string') return 'no path and no request'
  readRequestLine(request, entry)
  return undefined
}

function readRest(object: Line, readers: Readers, entry: LogEntry): void {
  entry.client = textOf(readers.client(object))
  entry.user = textOf(readers.user(object))
  entry.agent = textOf(readers.user_agent(object))
  entry.bytes = rounded(numberOf(readers.bytes(object)))
  const seconds = numberOf(readers.latency_s(object))
  entry.latencyMs = rounded(
    numberOf(readers.latency_ms(object)) ?? (seconds === null ? null : 1000 * seconds),
  )
}

const rounded = (number: number | null) => (number === null ? null : Math.round(number))

function textOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' && value !== '-' ? value : null
}

function numberOf(value: unknown): number | null {
  const number = typeof value === 'string' && NUMBER.test(value) ? Number(value) : value
  return typeof number === 'number' && number >= 0 && number < 1e15 ? number : null
}
