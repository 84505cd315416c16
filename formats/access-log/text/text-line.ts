import { durationMs } from '../duration.js'
import { fieldText, utf8 } from '../field-text.js'
import { rememberLast, type LineParser, type LogEntry, type Reading } from '../log-entry.js'
import { parseLogTime } from '../log-time.js'
import { METHOD, readRequestLine, readTarget } from '../request-line.js'
import { clientOf } from '../two-clients.js'
import { formatPattern } from './pattern.js'
import { formatPieces, LogFormatError } from './syntax.js'
import type { Role, Variable } from './variables.js'

const MIN_STATUS = 100

/**
 * A parser of lines in a format that is given in NGINX's syntax or in Apache's.
 *
 * @param isEscaped quotes and other characters have backslashes before them, as NGINX and Apache write
 * @throws LogFormatError when the format cannot be used
 * @example createTextParser('$remote_addr [$time_local] "$request" $status $request_time', PLAIN_READING)
 */
export function createTextParser(format: string, reading: Reading, isEscaped = true): LineParser {
  const { pattern, groups } = formatPattern(formatPieces(format))
  const read = groupReader(groups, reading, isEscaped ? fieldText : utf8)
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

type ToText = (raw: string) => string

function groupReader(groups: readonly Variable[], reading: Reading, toText: ToText): MatchReader {
  const at = placesOf(groups)
  const latencyOf = latencyReader(groups, reading)
  const timeOf = rememberLast(parseLogTime)
  const textAt = (match: RegExpExecArray, place: number) => {
    const raw = match[place]
    return raw === undefined || raw === '' || raw === '-' || place === 0 ? null : toText(raw)
  }
  return (match, entry, outerMs) => {
    entry.isCut = false
    entry.timeMs = at.time > 0 ? timeOf(match[at.time]!) : outerMs
    if (Number.isNaN(entry.timeMs)) return at.time > 0 ? 'a time that cannot be read' : 'no time'
    const status = match[at.status]!
    if (!/^(?:\d{1,3}|-1?)$/.test(status)) return 'no status of three digits'
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
  if (path !== '-' && path !== '') readTarget(path, entry)
}

function placesOf(groups: readonly Variable[]): Places {
  const place = (of: Role['of']) => {
    const found = groups.flatMap(({ role }, index) => (role.of === of ? [{ role, place: index + 1 }] : []))
    const rankOf = (role: Role) => ('rank' in role ? role.rank : 0)
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
  const isDoubtful = best.name.startsWith('$upstream_')
  return (match) => {
    if (isDoubtful) reading.doubt(OF_UPSTREAM, match[0])
    const ms = durationMs(match[best.place], best.unit)
    return ms === null ? null : Math.round(ms)
  }
}
