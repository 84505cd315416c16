import { clientAddress } from '../../models/traffic/client-address.js'
import { areAddresses, chooseClient } from './client-rule.js'
import { durationMs } from './duration.js'
import { fieldText } from './field-text.js'
import { createLogClock } from './log-clock.js'
import { PLAIN_READING, type LineParser, type LogEntry, type Reading } from './log-entry.js'
import { readRequestLine } from './request-line.js'
import { clientOf } from './two-clients.js'

const QUOTE = 34
const BACKSLASH = 92
const COLON = 58
const COMMA = 44
/** Seconds with decimals, by themselves or after a name, as NGINX's $request_time. */
const SECONDS = /^(?:(?:rt|request_time)=)?(\d{1,9}\.\d{1,9})$/
/** NGINX writes three decimals. */
const AS_NGINX = /\.\d{3}$/
const NAMED_SECONDS = /^(?:rt|request_time)=(\d{1,9}(?:\.\d{1,9})?)$/
/** A duration with its unit, as Traefik's 515ms. */
const WITH_UNIT = /^\d{1,9}(?:\.\d{1,9})?(?:ms|us|\xc2\xb5s|ns|s)$/
const WHOLE_NUMBER = /^\d{1,9}$/
const MIN_STATUS = 100
const BYTES = /^\d{1,15}$/
/** The ids of requests and traces: a UUID, or 16 to 64 hexadecimal digits. */
const REQUEST_ID = /^(?:[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}|[\da-f]{16,64})$/i

const MIN_ID_LENGTH = 16
/** Apache writes `""` for a user without a name, Fastly `"-"` for none. */
const NO_USER = new Set(['-', '""', '"-"', ''])

const SECONDS_GUESSED =
  'the number with decimals after the user agent is read as seconds, as $request_time of NGINX: give --log-format if it is something else'
const UNIT_UNKNOWN =
  'a whole number after the user agent has no unit, so it is not read as a latency: give --log-format if it is one'
const ID_AS_USER =
  'what stands in the place of the user looks like the id of a request, and is not stored: give --log-format if it is a user'

/**
 * Reads lines of the common log format and of what it has been extended to: `client identity user [time] "request"
 * status bytes`, then, where they are there, `"referer" "user agent"` and NGINX's $request_time. A line may end
 * within the quotes of the referer or the user agent; other fields at the end are of no matter. The client may be
 * X-Forwarded-For, addresses between commas; these may also be the first field in quotes after the user agent. Linear
 * in the line.
 *
 * @param hasHost the name of the virtual host comes first
 */
export function createClfParser(hasHost: boolean, reading: Reading = PLAIN_READING): LineParser {
  const timeOf = createLogClock(reading)
  return (line, entry) => {
    const start = hasHost ? line.indexOf(' ') + 1 : 0
    if (hasHost && (start === 0 || line.charCodeAt(start - 2) === COMMA)) return 'no virtual host'
    const close = line.indexOf('] "', start)
    const open = line.lastIndexOf(' [', close) // from the end of the time, as a user may have brackets in the name
    if (open < start || close < 0) return 'no time in brackets, followed by a request in quotes'
    const reason = readCaller(line.slice(start, open), entry, line, reading)
    if (reason !== undefined) return reason
    entry.timeMs = timeOf(line.slice(open + 2, close), line)
    if (Number.isNaN(entry.timeMs)) return 'a time that cannot be read'
    const request = close + 3
    const end = closingQuote(line, request)
    if (end < 0) return 'a request that does not end'
    readRequestLine(fieldText(line.slice(request, end)), entry)
    if (hasHost) entry.host = line.slice(0, start - 1)
    return readAnswer(line, end + 1, entry, reading)
  }
}

const NO_CALLER = 'no client, identity and user before the time'

/** `client identity user`; a user may have spaces and brackets in the name. */
function readCaller(text: string, entry: LogEntry, line: string, reading: Reading): string | undefined {
  const first = endOfList(text)
  const second = text.indexOf(' ', first + 1)
  if (first < 1 || second < 0) return NO_CALLER
  const client = text.slice(0, first)
  if (client === '-' || client.charCodeAt(first - 1) === COLON) return NO_CALLER
  if (second - first > 2 && clientAddress(text.slice(first + 1, second)) !== null)
    return 'two addresses before the time: give --log-format to say which is the client'
  if (!isHostName(client, text, second + 1) && clientAddress(client) === null) return NO_CALLER
  entry.client = client.includes(',') ? chooseClient(reading.client, null, client) : client
  const user = text.slice(second + 1)
  entry.user = NO_USER.has(user) ? null : fieldText(user)
  if (entry.user !== null && entry.user.length >= MIN_ID_LENGTH && REQUEST_ID.test(entry.user)) {
    entry.user = null
    reading.doubt(ID_AS_USER, line)
  }
  return undefined
}

/** A name that is no time, before a user without spaces: else something stands before the client. */
function isHostName(client: string, text: string, user: number): boolean {
  return !client.includes(':') && !text.includes(' ', user)
}

/** Where the first word ends, or the list that it begins: `203.0.113.9, 10.0.0.1`. */
function endOfList(text: string): number {
  let end = text.indexOf(' ')
  while (end > 0 && text.charCodeAt(end - 1) === COMMA) end = text.indexOf(' ', end + 1)
  return end
}

/** ` status bytes` and what follows. */
function readAnswer(line: string, at: number, entry: LogEntry, reading: Reading): string | undefined {
  const status = statusAt(line, at + 1)
  if (line.charCodeAt(at) !== 32 || status < 0) return 'no status of three digits after the request'
  entry.status = status < MIN_STATUS ? null : status
  const bytesEnd = endOfWord(line, at + 5)
  const bytes = line.slice(at + 5, bytesEnd)
  entry.bytes = BYTES.test(bytes) ? Number(bytes) : null
  if (entry.bytes === null && bytes !== '-' && bytes !== '') return 'no size after the status'
  readExtensions(line, bytesEnd + 1, entry, reading)
  return undefined
}

/** Three digits and the end of the word; -1 when there is something else. */
function statusAt(line: string, at: number): number {
  const value =
    100 * digit(line.charCodeAt(at)) + 10 * digit(line.charCodeAt(at + 1)) + digit(line.charCodeAt(at + 2))
  const ends = at + 3 === line.length || line.charCodeAt(at + 3) === 32
  return ends && value >= 0 ? value : -1
}

const digit = (code: number) => (code >= 48 && code <= 57 ? code - 48 : NaN)

function readExtensions(line: string, start: number, entry: LogEntry, reading: Reading): void {
  entry.agent = null
  entry.latencyMs = null
  entry.isCut = false
  let quoted = 0
  let hasNumber = false
  for (let at = start; at < line.length;) {
    if (line.charCodeAt(at) === QUOTE) {
      const end = closingQuote(line, at + 1)
      entry.isCut = end < 0
      const to = end < 0 ? line.length : end
      quoted++
      if (quoted === 2) entry.agent = agentOf(line.slice(at + 1, to))
      else if (quoted > 2) {
        const text = line.slice(at + 1, to)
        if (quoted === 3 && text !== '-' && text !== '' && areAddresses(text))
          entry.client = clientOf(entry.client, text, line, reading)
        else readNamedSeconds(text, entry)
      }
      at = to + 2
    } else {
      const end = endOfWord(line, at)
      if (end > at && quoted !== 1)
        hasNumber = readWord(line.slice(at, end), entry, line, reading) || hasNumber
      at = end + 1
    }
  }
  if (hasNumber && entry.latencyMs === null) reading.doubt(UNIT_UNKNOWN, line)
}

/** A duration among the fields at the end. @returns whether it is a number that may be one */
function readWord(word: string, entry: LogEntry, line: string, reading: Reading): boolean {
  if (entry.latencyMs !== null) return false
  const seconds = SECONDS.exec(word)
  if (seconds) {
    entry.latencyMs = Math.round(Number(seconds[1]) * 1000)
    if (seconds[1] === word && !AS_NGINX.test(word)) reading.doubt(SECONDS_GUESSED, line)
    return false
  }
  if (WITH_UNIT.test(word)) {
    entry.latencyMs = Math.round(durationMs(word, 'ms')!)
    return false
  }
  readNamedSeconds(word, entry)
  return WHOLE_NUMBER.test(word)
}

function agentOf(raw: string): string | null {
  return raw === '-' || raw === '' ? null : fieldText(raw)
}

/** The first that is there: what follows are the times of upstream servers. */
function readNamedSeconds(text: string, entry: LogEntry): void {
  const seconds = entry.latencyMs === null ? NAMED_SECONDS.exec(text) : null
  if (seconds) entry.latencyMs = Math.round(Number(seconds[1]) * 1000)
}

function endOfWord(line: string, from: number): number {
  const end = line.indexOf(' ', from)
  return end < 0 ? line.length : end
}

/** The next quote that has no backslash of its own before it. */
function closingQuote(line: string, from: number): number {
  for (let at = line.indexOf('"', from); at >= 0; at = line.indexOf('"', at + 1)) {
    let backslashes = 0
    while (at - backslashes > from && line.charCodeAt(at - backslashes - 1) === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return at
  }
  return -1
}
