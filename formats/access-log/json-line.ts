import { durationMs, type DurationUnit } from './duration.js'
import { utf8 } from './field-text.js'
import {
  pathReader,
  presetFields,
  usualFields,
  type FieldReaders,
  type JsonLine,
  type JsonNames,
  type LineFields,
} from './json-fields.js'
import type { JsonField } from './json-names.js'
import type { JsonPreset } from './json-presets.js'
import { createLogClock } from './log-clock.js'
import { PLAIN_READING, rememberLast, type LineParser, type LogEntry, type Reading } from './log-entry.js'
import { parseLogTime } from './log-time.js'
import { METHOD, pathOfRoute, readRequestLine, readTarget } from './request-line.js'
import { readStatus } from './status.js'
import { clientOf } from './two-clients.js'

const NON_ASCII = /[\x80-\xff]/
/** Asked first, because a failed JSON.parse is slow. */
const OBJECT = /^\s*\{/
const NUMBER = /^\d{1,15}(?:\.\d+)?$/

interface JsonOptions {
  /** Fields that are not called as usual. */
  readonly names?: JsonNames
  readonly preset?: JsonPreset
  readonly reading?: Reading
  /** What a line is cut from; JSON by default. */
  readonly toObject?: ToObject | undefined
}

/** Cuts a line into names and values. @returns why it cannot be cut */
export type ToObject = (line: string) => JsonLine | string

/**
 * Reads lines that are JSON objects, such as NGINX (with `escape=json` and without) or a gateway writes them, or other
 * names and values. A line needs a time, a status, and a path or a request line.
 */
export function createJsonParser(options: JsonOptions = {}): LineParser {
  const { names = {}, preset, reading = PLAIN_READING, toObject = jsonLine } = options
  const fields = preset === undefined ? usualFields(names) : presetFields(names, preset.fields)
  const { readers } = fields
  const needed = (preset?.needs ?? []).map((name) => ({ name, read: pathReader(name) }))
  const timeOf = createLogClock(preset === undefined ? reading : { ...reading, isUtc: true })
  return (line, entry, outerMs) => {
    const object = toObject(line)
    if (typeof object === 'string') return object
    const missing = needed.find(({ read }) => read(object) === undefined)
    if (missing !== undefined) return `no ${missing.name}`
    fields.learn(object)
    entry.isCut = false
    const time = readers.timestamp(object)
    if (typeof time === 'string') entry.timeMs = timeOf(time, line)
    else entry.timeMs = time === undefined && outerMs !== undefined ? outerMs : parseLogTime(time)
    if (Number.isNaN(entry.timeMs)) return problem('timestamp', readers, object)
    entry.status = readStatus(readers.status(object))
    if (Number.isNaN(entry.status)) return problem('status', readers, object)
    const reason = readRequest(object, readers, entry, preset)
    if (reason !== undefined) return reason
    const [client, forwarded] = [textOf(readers.client(object)), textOf(readers.forwarded(object))]
    entry.client = clientOf(client, forwarded, line, reading)
    readRest(object, readers, entry)
    if (preset === undefined && isWhole(object['request_time'])) reading.doubt(SECONDS_ASSUMED, line)
    const ms = latencyOf(object, readers, entry) ?? unitlessLatency(object, fields, line, reading)
    entry.latencyMs = rounded(ms)
    return undefined
  }
}

function problem(field: JsonField, readers: FieldReaders, object: JsonLine): string {
  if (Array.isArray(object['records']))
    return 'many records in a line: write each in a line of its own, as `jq -c .records[]` does'
  return readers[field](object) === undefined ? `no ${field}` : `a ${field} that cannot be read`
}

/** Remembered, because many parsers read the same line when the format is detected. */
const jsonLine: ToObject = rememberLast((line) => objectOf(line) ?? whyNoObject(line))

function whyNoObject(line: string): string {
  const isOpen = /^\s*(?:[[{]\s*$|\[\s*\{)/.test(line)
  return isOpen ? 'no JSON object: write each object in a line of its own, as `jq -c` does' : 'no JSON object'
}

export function objectOf(line: string): JsonLine | undefined {
  if (!OBJECT.test(line)) return undefined
  const value = parsed(line) ?? (line.includes('\\x') ? parsed(withoutNginxEscapes(line)) : undefined)
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonLine)
    : undefined
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

function readRequest(
  object: JsonLine,
  readers: FieldReaders,
  entry: LogEntry,
  preset: JsonPreset | undefined,
): string | undefined {
  const path = readers.path(object)
  if (typeof path === 'string') {
    const target = preset?.isRootless && /^[^/-]/.test(path) ? `/${path}` : path
    const method = textOf(readers.method(object))
    if (method !== null && !METHOD.test(method)) return 'a method that is none'
    const request = method === null ? readers.request(object) : undefined
    // The request line has the method, and the target before it was rewritten.
    if (typeof request === 'string') readRequestLine(request, entry)
    if (typeof request === 'string' && entry.method !== null) return undefined
    entry.path = null
    entry.host = null
    if (target !== '' && target !== '-') readTarget(pathOfRoute(target), entry)
    entry.method = method
    return undefined
  }
  const request = readers.request(object)
  if (typeof request !== 'string') return 'no path and no request'
  readRequestLine(request, entry)
  return undefined
}

function readRest(object: JsonLine, readers: FieldReaders, entry: LogEntry): void {
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

function latencyOf(object: JsonLine, readers: FieldReaders, entry: LogEntry): number | null {
  for (const [field, unit] of UNITS) {
    const ms = durationMs(readers[field](object), unit)
    if (ms !== null) return ms
  }
  const end = readers.end(object)
  return end === undefined ? null : betweenTimes(entry.timeMs, end, readers.timestamp(object))
}

const SECONDS_ASSUMED =
  'request_time is read as seconds, as that of NGINX: give --field latency_ms=request_time if it is something else'

/** NGINX writes decimals. */
function isWhole(value: unknown): boolean {
  return typeof value === 'number' ? Number.isInteger(value) && value > 0 : /^[1-9]\d*$/.test(String(value))
}

const HAS_UNIT = /[a-z\xb5\u03bc]s?$/
/** Durations whose unit follows from what a line has beside them: those of Envoy, of Rails, and of Serilog. */
const UNITS_KNOWN = [
  { name: 'duration', beside: 'response_flags', unit: 'ms' },
  { name: 'duration', beside: 'controller', unit: 'ms' },
  { name: 'Elapsed', beside: 'RequestPath', unit: 'ms' },
] as const

/** A duration whose name does not say the unit. */
function unitlessLatency(
  object: JsonLine,
  { readers, durationName }: LineFields,
  line: string,
  reading: Reading,
): number | null {
  const value = readers.duration(object)
  if (value === undefined) return null
  if (typeof value === 'string' && HAS_UNIT.test(value)) return durationMs(value, 'ms')
  const name = durationName(object)
  const known = UNITS_KNOWN.find((each) => each.name === name && object[each.beside] !== undefined)
  if (known !== undefined) return durationMs(value, known.unit)
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
