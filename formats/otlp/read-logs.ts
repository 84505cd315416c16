import { createClfParser } from '../access-log/clf-line.js'
import { createJsonParser } from '../access-log/json-line.js'
import { emptyEntry, type LogEntry } from '../access-log/log-entry.js'
import { numberOf, readAttributes, readJson, type Attributes } from './attributes.js'
import { isHttp, readHttpRequest, type HttpRequest, type Refusal } from './http-request.js'
import { logGroups, type LogRecord, type LogRequest } from './messages.js'
import { unixMs } from './times.js'

/** A longer text is no line of an access log. */
const MAX_LINE_LENGTH = 16_384

/** Names that the conventions have for the metric; for logs they have none. */
const MS_NAMES = ['http.server.duration', 'duration_ms', 'response_time_ms']
const SECOND_NAMES = ['http.server.request.duration', 'duration_s', 'request_time']

/** The requests that the records of an export request describe; every other record is refused. */
export function* readLogs(request: LogRequest): Generator<HttpRequest | Refusal> {
  const readLine = createLineReader()
  for (const { resource, records } of logGroups(request)) {
    const of = readAttributes(resource)
    for (const record of records) yield readRecord(record, of, readLine)
  }
}

type LineReader = (line: string) => LogEntry | undefined

function readRecord(record: LogRecord, resource: Attributes, readLine: LineReader): HttpRequest | Refusal {
  const { body, attributes } = record
  const timeMs = unixMs(record.timeUnixNano) ?? unixMs(record.observedTimeUnixNano)
  const known = { resource, error: undefined }
  const own = readAttributes(attributes ?? [], body?.kvlistValue?.values ?? [])
  if (isHttp(own)) return readAt(timeMs, own, known)
  const line = body?.stringValue ?? ''
  if (line === '' || line.length > MAX_LINE_LENGTH) return { refused: 'no http.request.method' }
  const json = jsonOf(line)
  if (json && isHttp(json)) return readAt(timeMs, json, known)
  const entry = readLine(line)
  return entry
    ? ofEntry(entry, resource)
    : { refused: 'no http.request.method, and no line of an access log' }
}

function readAt(
  timeMs: number | undefined,
  attributes: Attributes,
  known: { resource: Attributes },
): HttpRequest | Refusal {
  if (timeMs === undefined) return { refused: 'no timeUnixNano' }
  return readHttpRequest(attributes, { ...known, timeMs, durationMs: durationOf(attributes) })
}

function durationOf(attributes: Attributes): number | undefined {
  const seconds = numberOf(attributes, SECOND_NAMES)
  return numberOf(attributes, MS_NAMES) ?? (seconds === undefined ? undefined : 1000 * seconds)
}

function jsonOf(line: string): Attributes | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return readJson(JSON.parse(line) as Record<string, unknown>)
  } catch {
    return undefined
  }
}

/** Reads lines of access logs: JSON with the usual names, or the common log format. */
function createLineReader(): LineReader {
  const parsers = [createJsonParser(), createClfParser(false)] as const
  const entry = emptyEntry()
  return (line) => {
    const bytes = Buffer.from(line, 'utf8').toString('latin1') // as the parsers take it
    return parsers[line.startsWith('{') ? 0 : 1](bytes, entry) === undefined ? entry : undefined
  }
}

/** The names of a line are read by the same code as attributes. */
function ofEntry(entry: LogEntry, resource: Attributes): HttpRequest | Refusal {
  const { method, path, host, status, client, user, agent } = entry
  const fields = {
    'http.request.method': method,
    'url.path': path,
    'http.host': host,
    'http.response.status_code': status,
    'client.address': client,
    'user.id': user,
    'user_agent.original': agent,
  }
  const { timeMs, latencyMs } = entry
  return readHttpRequest(readJson(fields), { timeMs, durationMs: latencyMs ?? undefined, resource })
}
