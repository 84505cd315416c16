import { durationMs } from '../duration.js'
import { fieldText, type ToText } from '../field-text.js'
import { createLogClock } from '../log-clock.js'
import { NO_TIME, type LineParser, type LogEntry, type Reading } from '../log-entry.js'
import { METHOD, pathOfRoute, readRequestLine, readTarget } from '../request-line.js'
import { clientOf } from '../two-clients.js'
import { createJsonParser } from '../json-line.js'
import { jsonTemplate } from './json-template.js'
import { formatPattern, type FormatPattern } from './pattern.js'
import { LogFormatError, type Piece } from './pieces.js'
import { formatPieces } from './syntax.js'
import type { Role, Variable } from './variables.js'

const MIN_STATUS = 100
/** 0, -1 and - say that there was no answer. */
const STATUS = /^(?:\d{3}|0|-1?)$/

/**
 * A parser of lines in a format that is given in NGINX's syntax or in Apache's.
 *
 * @param toText how the text of a field is found: by default it has backslashes before quotes, as NGINX and Apache write
 * @throws LogFormatError when the format cannot be used
 * @example createTextParser('$remote_addr [$time_local] "$request" $status $request_time', PLAIN_READING)
 */
export function createTextParser(format: string, reading: Reading, toText: ToText = fieldText): LineParser {
  const key = `${toText.name} ${format}`
  let compiled = KNOWN.get(key)
  if (compiled === undefined) {
    compiled = compile(formatPieces(format).pieces, toText)
    if (KNOWN.size < MAX_KNOWN) KNOWN.set(key, compiled)
  }
  return parserOf(compiled, reading, toText)
}

/** The formats of the presets are tried for each log. */
const KNOWN = new Map<string, Compiled>()
const MAX_KNOWN = 200

interface Compiled extends FormatPattern {
  readonly places: Places
}

function compile(pieces: readonly Piece[], toText: ToText): Compiled {
  const format = formatPattern(pieces, toText === fieldText)
  return { ...format, places: placesOf(format.groups) }
}

/**
 * A parser of lines in a format that an operator gives: in the syntax of a server, as text or as JSON.
 *
 * @throws LogFormatError when the format cannot be used
 */
export function createFormatParser(format: string, reading: Reading): LineParser {
  const { pieces, toText } = formatPieces(format)
  const preset = jsonTemplate(pieces)
  return preset === undefined
    ? parserOf(compile(pieces, toText), reading, toText)
    : createJsonParser({ preset, reading })
}

function parserOf({ pattern, groups, places }: Compiled, reading: Reading, toText: ToText): LineParser {
  const read = groupReader(groups, places, reading, toText)
  return (line, entry, outerMs) => {
    const match = pattern.exec(line)
    if (match === null) return 'a line that is not in the format'
    return read(match, entry, outerMs ?? NaN)
  }
}

/** The places of the groups; 0 where the format has none. */
type Places = Readonly<Record<'time' | 'request' | 'method' | 'path' | 'status' | PlainPlace, number>>
type PlainPlace = 'host' | 'remote' | 'forwarded' | 'user' | 'agent' | 'bytes'

type MatchReader = (match: RegExpExecArray, entry: LogEntry, outerMs: number) => string | undefined

function groupReader(groups: readonly Variable[], at: Places, reading: Reading, toText: ToText): MatchReader {
  const latencyOf = latencyReader(groups, reading)
  const timeOf = createLogClock(reading)
  const textAt = (match: RegExpExecArray, place: number) => {
    const raw = match[place]
    return raw === undefined || raw === '' || raw === '-' || place === 0 ? null : toText(raw)
  }
  return (match, entry, outerMs) => {
    entry.isCut = false
    entry.timeMs = at.time > 0 ? timeOf(match[at.time]!, match[0]) : outerMs
    if (Number.isNaN(entry.timeMs)) return at.time > 0 ? 'a time that cannot be read' : NO_TIME
    const status = match[at.status]!
    if (!STATUS.test(status)) return 'no status of three digits'
    entry.status = Number(status) >= MIN_STATUS ? Number(status) : null
    readRequest(match, at, entry, toText)
    entry.host = textAt(match, at.host) ?? entry.host
    entry.latencyMs = latencyOf(match)
    entry.client = clientOf(textAt(match, at.remote), textAt(match, at.forwarded), match[0], reading)
    entry.user = textAt(match, at.user)
    entry.agent = textAt(match, at.agent)
    const bytes = at.bytes > 0 ? match[at.bytes]! : ''
    entry.bytes = /^\d{1,15}$/.test(bytes) ? Number(bytes) : null
    return undefined
  }
}

function readRequest(match: RegExpExecArray, at: Places, entry: LogEntry, toText: ToText): void {
  if (at.request > 0) {
    readRequestLine(toText(match[at.request]!), entry)
    return
  }
  const method = at.method > 0 ? match[at.method]! : ''
  const path = toText(match[at.path]!)
  entry.method = METHOD.test(method) ? method : null
  entry.path = null
  entry.host = null
  if (path !== '-' && path !== '') readTarget(pathOfRoute(path), entry)
}

function placesOf(groups: readonly Variable[]): Places {
  const place = (of: Role['of']) => {
    const found = groups.flatMap(({ role }, index) => (role.of === of ? [{ role, place: index + 1 }] : []))
    const rankOf = (role: Role) => role.rank ?? 0
    return found.toSorted((a, b) => rankOf(a.role) - rankOf(b.role))[0]?.place ?? 0
  }
  const exact = groups.findIndex(({ name }) => name === '$msec') + 1
  const places = {
    time: exact || place('time'),
    request: place('request'),
    method: place('method'),
    path: place('path'),
    status: place('status'),
    host: place('host'),
    remote: place('remote'),
    forwarded: place('forwarded'),
    user: place('user'),
    agent: place('agent'),
    bytes: place('bytes'),
  }
  if (places.request === 0 && places.path === 0)
    throw new LogFormatError('it has no request: add $request, or %r')
  if (places.status === 0) throw new LogFormatError('it has no status: add $status, or %>s')
  return places
}

const AS_APACHE =
  '%D is read as microseconds, as Apache has it: write %{ms}T if the server is Tomcat before version 10'

/** Tomcat's formats have `%s`, Apache's `%>s`. */
function doubtAbout(name: string, groups: readonly Variable[]): string | undefined {
  if (name.startsWith('$upstream_')) return OF_UPSTREAM
  return name === '%D' && groups.some((each) => each.name === '%s') ? AS_APACHE : undefined
}

type LatencyReader = (match: RegExpExecArray) => number | null

const OF_UPSTREAM =
  'the latency is that of the server behind the gateway, because the format has no $request_time'

function latencyReader(groups: readonly Variable[], reading: Reading): LatencyReader {
  const terms = groups.flatMap(({ role }, index) => (role.of === 'latency-term' ? [index + 1] : []))
  if (terms.length > 0) {
    return (match) => {
      let sum = 0
      for (const term of terms) sum += durationMs(match[term], 's') ?? NaN
      return Number.isNaN(sum) ? null : Math.round(sum)
    }
  }
  const found = groups.flatMap(({ name, role }, index) =>
    role.of === 'latency' ? [{ ...role, name, place: index + 1 }] : [],
  )
  const [best] = found.toSorted((a, b) => a.rank - b.rank)
  if (best === undefined) return () => null
  const doubt = doubtAbout(best.name, groups)
  return (match) => {
    if (doubt !== undefined) reading.doubt(doubt, match[0])
    const ms = durationMs(match[best.place], best.unit)
    return ms === null ? null : Math.round(ms)
  }
}
