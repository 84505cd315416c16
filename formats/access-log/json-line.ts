import { durationMs, type DurationUnit } from './duration.js'
import { utf8 } from './field-text.js'
import {
  fieldReader,
  JSON_FIELDS,
  pathReader,
  type FieldReader,
  type JsonField,
  type JsonNames,
} from './json-fields.js'
import type { JsonPreset } from './json-presets.js'
import { PLAIN_READING, type LineParser, type LogEntry, type Reading } from './log-entry.js'
import { parseLogTime } from './log-time.js'
import { METHOD, readTarget, readRequestLine } from './request-line.js'
import { clientOf } from './two-clients.js'

const NON_ASCII = /[\x80-\xff]/
/** Asked first, because a failed JSON.parse is slow. */
const OBJECT = /^\s*\{/
const STATUS = /^\d{3}$/
const NUMBER = /^\d{1,15}(?:\.\d+)?$/
const LOGFMT_PAIR = /([A-Za-z_][\w.-]*)=(?:"((?:[^"\\]|\\.)*)"|(\S*))/g

/** What a line is cut from: an object of JSON, or `name=value` pairs. */
type Syntax = 'json' | 'logfmt'

interface JsonOptions {
  /** Fields that are not called as usual. */
  readonly names?: JsonNames
  readonly preset?: JsonPreset
  readonly reading?: Reading
  readonly syntax?: Syntax
}

/**
 * Reads lines that are JSON objects, such as NGINX (with `escape=json` and without) or a gateway writes them, or
 * `name=value` pairs. A line needs a time, a status, and a path or a request line.
 */
export function createJsonParser(options: JsonOptions = {}): LineParser {
  const { names = {}, preset, reading = PLAIN_READING, syntax = 'json' } = options
  const readers = Object.fromEntries(
    JSON_FIELDS.map((field) => [field, fieldReader(field, names, preset?.fields)]),
  ) as unknown as Readers
  const needed = (preset?.needs ?? []).map((name) => ({ name, read: pathReader(name) }))
  const toObject = syntax === 'json' ? objectOf : pairsOf
  return (line, entry, outerMs) => {
    const object = toObject(line)
    if (object === undefined) return syntax === 'json' ? 'no JSON object' : 'no name=value pairs'
    const missing = needed.find(({ read }) => read(object) === undefined)
    if (missing !== undefined) return `no ${missing.name}`
    entry.isCut = false
    const time = readers.timestamp(object)
    entry.timeMs = time === undefined && outerMs !== undefined ? outerMs : parseLogTime(time)
    if (Number.isNaN(entry.timeMs)) return problem('timestamp', readers, object)
    entry.status = statusOf(readers.status(object))
    if (Number.isNaN(entry.status)) return problem('status', readers, object)
    const reason = readRequest(object, readers, entry)
    if (reason !== undefined) return reason
    const [client, forwarded] = [textOf(readers.client(object)), textOf(readers.forwarded(object))]
    entry.client = clientOf(client, forwarded, line, reading)
    readRest(object, readers, entry)
    entry.latencyMs = rounded(latencyOf(object, readers, entry, line, reading))
    return undefined
  }
}

type Line = Readonly<Record<string, unknown>>
type Readers = Readonly<Record<JsonField, FieldReader>>

function problem(field: JsonField, readers: Readers, object: Line): string {
  return readers[field](object) === undefined ? `no ${field}` : `a ${field} that cannot be read`
}

/** The names and values of a line such as `at=info method=GET path="/"`. */
function pairsOf(line: string): Line | undefined {
  const pairs = [...line.matchAll(LOGFMT_PAIR)].map(([, name, quoted, bare]): [string, string] => [
    name!,
    quoted === undefined ? bare! : quoted.replace(/\\(.)/g, '$1'),
  ])
  return pairs.length > 0 ? Object.fromEntries(pairs) : undefined
}

export function objectOf(line: string): Line | undefined {
  if (!OBJECT.test(line)) return undefined
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

/** NaN for what is no status; 0, -1 and `-` say that there was no answer. */
function statusOf(value: unknown): number | null {
  if (value === '-' || value === 0 || value === '0' || value === '000' || value === -1) return null
  const status = typeof value === 'string' && STATUS.test(value) ? Number(value) : value
  return Number.isInteger(status) && Number(status) > 0 && Number(status) < 1000 ? Number(status) : NaN
}

function readRequest(object: Line, readers: Readers, entry: LogEntry): string | undefined {
  const path = readers.path(object)
  if (typeof path === 'string') {
    entry.path = null
    entry.host = null
    if (path !== '' && path !== '-') readTarget(path, entry)
    entry.method = textOf(readers.method(object))
    return entry.method === null || METHOD.test(entry.method) ? undefined : 'a method that is none'
  }
  const request = readers.request(object)
  if (typeof request !== 'string') return 'no path and no request'
  readRequestLine(request, entry)
  return undefined
}

function readRest(object: Line, readers: Readers, entry: LogEntry): void {
  entry.host = textOf(readers.host(object)) ?? entry.host
  entry.user = textOf(readers.user(object))
  entry.agent = textOf(readers.user_agent(object))
  entry.bytes = rounded(numberOf(readers.bytes(object)))
}

const UNITS = [
  ['latency_ms', 'ms'],
  ['latency_s', 's'],
  ['latency_us', 'us'],
  ['latency_ns', 'ns'],
] as const satisfies readonly [JsonField, DurationUnit][]

/** Names of durations that servers write in different units. */
const WITHOUT_UNIT = ['duration', 'latency', 'elapsed', 'response_time', 'time_taken', 'took']
const HAS_UNIT = /[a-z\xb5]s?$/

function latencyOf(
  object: Line,
  readers: Readers,
  entry: LogEntry,
  line: string,
  reading: Reading,
): number | null {
  for (const [field, unit] of UNITS) {
    const ms = durationMs(readers[field](object), unit)
    if (ms !== null) return ms
  }
  const end = readers.end(object)
  if (end !== undefined) return betweenTimes(entry.timeMs, end, readers.timestamp(object))
  const name = WITHOUT_UNIT.find((each) => object[each] !== undefined && object[each] !== null)
  const value = name === undefined ? undefined : object[name]
  if (typeof value === 'string' && HAS_UNIT.test(value)) return durationMs(value, 'ms')
  if (durationMs(value, 'ms') !== null)
    reading.doubt(
      `${name} has no unit, so it is not read: give --field latency_ms=${name} or latency_s=${name}`,
      line,
    )
  return null
}

const WHOLE_SECONDS = /^(?:\d{1,11}|[^.]*:\d\dZ?)$/

/** Whole seconds say nothing about a latency. */
function betweenTimes(startMs: number, end: unknown, start: unknown): number | null {
  if (WHOLE_SECONDS.test(String(start)) || WHOLE_SECONDS.test(String(end))) return null
  const ms = parseLogTime(end) - startMs
  return ms >= 0 ? ms : null
}

const rounded = (number: number | null) => (number === null ? null : Math.round(number))

/** A text; of a list, such as the values of a header, its entries between commas. */
function textOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value)
  const text = Array.isArray(value) ? value.filter((each) => typeof each === 'string').join(', ') : value
  return typeof text === 'string' && text !== '' && text !== '-' ? text : null
}

function numberOf(value: unknown): number | null {
  const number = typeof value === 'string' && NUMBER.test(value) ? Number(value) : value
  return typeof number === 'number' && number >= 0 && number < 1e15 ? number : null
}
